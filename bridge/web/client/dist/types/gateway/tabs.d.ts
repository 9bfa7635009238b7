/**
 * One connection for all tabs of a user. The tab that holds a lock has it and leads; the others speak with that one
 * over a BroadcastChannel. When it goes, the lock passes on, and each tab reads on from its own place.
 */
import type { ChannelName } from "../wire/channels";
import type { Connection, HistoryPage, Link, Listener, StreamPlace } from "./link";
type ConnectionListener = (state: Connection, reason: string) => void;
export declare function canShare(): boolean;
export declare class SharedLink implements Link {
    #private;
    private readonly name;
    private readonly open;
    private readonly heard;
    /** `name` tells which tabs belong together: same gateway, same user. `open` makes the connection of who leads. */
    constructor(name: string, open: (connection: ConnectionListener) => Link, heard: ConnectionListener);
    follow(channel: ChannelName, listener: Listener): () => void;
    history(channel: ChannelName, since: StreamPlace, limit: number): Promise<HistoryPage>;
    close(): void;
}
export {};
