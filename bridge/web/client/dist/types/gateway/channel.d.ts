/** A channel of the gateway: catches up by its own place, checks and opens what comes, tells it once, in order. */
import { type BridgeEvent } from "../event";
import type { Checker } from "../proof/checker";
import type { Progress } from "../proof/reader";
import { type Storage } from "../storage";
import { type SubscribeOptions, type Subscription, type SubscriptionState } from "../subscription";
import { type ChannelName } from "../wire/channels";
import type { Grants } from "./grants";
import type { Link } from "./link";
export interface ChannelParts {
    readonly link: Link;
    readonly storage: Storage;
    readonly storageKey: string;
    readonly pageSize: number;
    /** Makes what holds events against the ledger; null: they come as the gateway tells them. */
    readonly checker: ((progress: Progress | null, signal: AbortSignal) => Checker) | null;
    readonly grants: Grants;
    readonly all: (event: BridgeEvent) => void;
}
export declare class GatewayChannel implements Subscription {
    #private;
    readonly channel: ChannelName;
    private readonly parts;
    constructor(channel: ChannelName, parts: ChannelParts, options: SubscribeOptions);
    get state(): SubscriptionState;
    close(): void;
}
