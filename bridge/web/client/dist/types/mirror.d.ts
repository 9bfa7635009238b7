/** A campaign straight from a mirror, with keys at hand: no gateway, the same events. */
import { type BridgeEvent } from "./event";
import { type RawMessages } from "./proof/raw";
import { type TopicRules } from "./proof/reader";
import { type Storage } from "./storage";
import { type SubscribeOptions, type Subscription, type SubscriptionState } from "./subscription";
import { type ChannelName } from "./wire/channels";
export interface MirrorParts {
    readonly raw: RawMessages;
    readonly rules: Omit<TopicRules, "skipped">;
    readonly storage: Storage;
    readonly storageKey: string;
    readonly pollMs: {
        readonly shortest: number;
        readonly longest: number;
    };
    readonly all: (event: BridgeEvent) => void;
}
export declare class MirrorChannel implements Subscription {
    #private;
    readonly channel: ChannelName;
    private readonly parts;
    constructor(channel: ChannelName, parts: MirrorParts, options: SubscribeOptions);
    get state(): SubscriptionState;
    close(): void;
}
