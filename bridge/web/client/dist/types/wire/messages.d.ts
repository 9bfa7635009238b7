/** A topic's raw messages as a mirror's REST shows them, every field checked. */
import { type Bytes } from "./bytes";
/** Where a chunk belongs: `number` of `total`, from 1, of the message that the transaction `initial` began. */
export interface Chunk {
    readonly initial: string;
    readonly payer: string;
    readonly number: number;
    readonly total: number;
}
export interface TopicMessage {
    readonly topicId: string;
    readonly sequence: number;
    readonly consensusNs: bigint;
    readonly message: Bytes;
    readonly runningHash: Bytes;
    readonly runningHashVersion: number;
    readonly payer: string;
    readonly chunk: Chunk | null;
}
/** The `messages` of an answer, in its order. Throws Unavailable for one that isn't a mirror's. */
export declare function parseMessages(answer: unknown): TopicMessage[];
/** `s.nnnnnnnnn`, as the mirror writes it. */
export declare function formatTimestamp(ns: bigint): string;
