/** The gateway as a subscription sees it, and the public `centrifuge` client behind it. */
import type { Publication } from "../event";
import type { ChannelName } from "../wire/channels";
export interface StreamPlace {
    readonly offset: number;
    readonly epoch: string;
}
/** A publication with the offset that consensus gave it, or none. */
export interface Sent {
    readonly offset: number | null;
    readonly data: Publication;
}
export interface Settled {
    readonly open: readonly string[];
    readonly rejected: readonly {
        readonly id: string;
        readonly reason: string;
    }[];
}
/** What happens in a channel, as plain values: they travel between tabs. */
export type News = 
/** Joined: what comes next follows `top`. */
{
    readonly kind: "joined";
    readonly top: StreamPlace;
} | {
    readonly kind: "sent";
    readonly sent: Sent;
}
/** Of what was provisional before it joined, this is still open. Comes behind what was recovered. */
 | {
    readonly kind: "settled";
    readonly settled: Settled;
} | {
    readonly kind: "away";
    readonly reason: string;
} | {
    readonly kind: "ended";
    readonly code: number;
    readonly reason: string;
};
export type Listener = (news: News) => void;
export type Connection = "connecting" | "connected" | "disconnected";
export interface HistoryPage {
    readonly publications: readonly Sent[];
    readonly top: StreamPlace;
}
export interface Link {
    /** Hear of a channel until the returned function is called. Who comes later is told `joined`, the top as it is. */
    follow(channel: ChannelName, listener: Listener): () => void;
    /** What stands behind `since`, ascending. Throws Unavailable, or Denied (code 112: no such place in this stream). */
    history(channel: ChannelName, since: StreamPlace, limit: number): Promise<HistoryPage>;
    close(): void;
}
export interface LinkOptions {
    readonly url: string;
    readonly token: string | undefined;
    readonly getToken: (() => Promise<string>) | undefined;
    /** Merged into the options of the `centrifuge` client. */
    readonly centrifuge?: object;
    readonly connection: (state: Connection, reason: string) => void;
}
/** A connection of this page's own. */
export declare class OwnLink implements Link {
    #private;
    constructor({ url, token, getToken, centrifuge, connection }: LinkOptions);
    follow(channel: ChannelName, listener: Listener): () => void;
    history(channel: ChannelName, since: StreamPlace, limit: number): Promise<HistoryPage>;
    close(): void;
}
/** A link that is still being opened. */
export declare class LateLink implements Link {
    private readonly opening;
    constructor(opening: Promise<Link>);
    follow(channel: ChannelName, listener: Listener): () => void;
    history(channel: ChannelName, since: StreamPlace, limit: number): Promise<HistoryPage>;
    close(): void;
}
