/** Puts messages that were cut into chunks together again. Fed with every message of a topic, checked, in order. */
import { type Bytes } from "./bytes";
import type { TopicMessage } from "./messages";
export interface ChunkLimits {
    readonly maxOpenBytes: number;
    readonly expireSequences: number;
    readonly expireNs: bigint;
}
export declare const CHUNK_LIMITS: ChunkLimits;
/** A complete message. `last` is its last chunk in consensus order. */
export interface Whole {
    readonly data: Bytes;
    readonly firstSequence: number;
    readonly last: TopicMessage;
}
/**
 * An unfinished message expires when it is old by consensus time and far back by sequence number; where there is no
 * room for more, the payer who holds most of it loses the oldest: who floods a topic buries its own.
 */
export declare class Assembler {
    #private;
    private readonly limits;
    /** Messages that were never finished, as far as they are given up. */
    buried: number;
    constructor(limits?: ChunkLimits);
    /** Whether no message waits for more chunks. */
    get idle(): boolean;
    /** Take the next message; the one that it completes comes back. */
    add(message: TopicMessage): Whole | null;
}
