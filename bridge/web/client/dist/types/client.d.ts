/** The client: one connection, or a mirror and keys, and the channels that an application follows. */
import type { BridgeEvent } from "./event";
import { type Connection } from "./gateway/link";
import { type Storage } from "./storage";
import { type SubscribeOptions, type Subscription } from "./subscription";
import { type TokenSource } from "./tokens";
import { type ChannelName } from "./wire/channels";
/** A key that the application holds: 32 bytes as hexadecimal, and the channel whose key it is. */
export interface GivenKey {
    readonly owner: ChannelName;
    readonly key: string;
}
/** A key as `GET /v1/campaigns/{id}/keys` hands it out: it opens on the device that it was asked for on, nowhere else. */
export interface GrantedKey {
    readonly owner: ChannelName;
    readonly kid: string;
    readonly wrapped: string;
}
interface CommonOptions {
    /** The bridge's public key, 32 bytes as hexadecimal, had from elsewhere. Without it nothing is `verified`. */
    readonly pin?: string;
    /** Where places are kept; `localStorage` unless given. */
    readonly storage?: Storage;
}
export interface GatewayOptions extends CommonOptions {
    readonly source?: "gateway";
    /** `wss://…/connection/websocket`; the page's own host unless given. */
    readonly url?: string;
    /** The HTTP door, which has proofs and keys; the page's own origin unless given. */
    readonly api?: string;
    /** Whether events are held against the ledger; so unless given where there is a `pin`. */
    readonly verify?: boolean;
    /** Mirrors to take the ledger's messages from, in place of the gateway's proof; several are compared. */
    readonly mirrors?: readonly string[];
    /** Whether tabs of the same user share one connection; so unless given, where the browser can. */
    readonly share?: boolean;
    /** The user's id, where no token tells it (a cookie). */
    readonly user?: string;
    readonly onConnection?: (state: Connection, reason: string) => void;
    /** How many publications are asked for at once when catching up. */
    readonly pageSize?: number;
    /** Merged into the options of the `centrifuge` client: delays, transports. */
    readonly centrifuge?: object;
}
export interface MirrorOptions extends CommonOptions {
    readonly source: "mirror";
    readonly mirrors: readonly string[];
    readonly network: string;
    readonly keys: readonly (GivenKey | GrantedKey)[];
    /** The topic of each campaign; or `topic` of `subscribe`. */
    readonly topics?: Readonly<Record<string, string>>;
    readonly pollMs?: {
        readonly shortest: number;
        readonly longest: number;
    };
}
export type EventCallback = (event: BridgeEvent) => void;
export declare class BridgeClient {
    #private;
    private readonly options;
    /** Throws TypeError for a pin that isn't a key, and where the page can't check anything. */
    constructor(options?: GatewayOptions | MirrorOptions);
    /**
     * Connect to the gateway with an access token, a function that gives one (asked again before it expires), or, with
     * neither, the page's cookie. With `source: "mirror"` there is nothing to connect to.
     */
    connect(token?: TokenSource): void;
    /** Follow a channel: `campaign:<id>` or `user:<id>`. */
    subscribe(channel: ChannelName, options?: SubscribeOptions): Subscription;
    /** Hear of every event of this name (`*`: of all) in the channels that are followed, and in the user's own. */
    subscribe(event: string, callback: EventCallback): () => void;
    /** End all subscriptions, and the connection where no other tab has it. */
    close(): void;
}
export {};
