/** One topic as it is read: checks each message, joins chunks, opens frames, and knows what may come next. */
import { type Bytes } from "../wire/bytes";
import type { KeyLookup } from "../wire/epochs";
import type { LedgerEvent } from "../wire/events";
import { type TopicContext } from "../wire/frame";
import { type TopicMessage } from "../wire/messages";
/** What a topic is read by: where it is, whose it must be, which key may be believed in it, and the keys at hand. */
export interface TopicRules {
    readonly context: TopicContext;
    readonly campaignId: string;
    /** The bridge's public key, had from elsewhere; null: nothing in the topic is better than unverified. */
    readonly pin: Bytes | null;
    readonly keys: KeyLookup;
    /** Told of each message that gave nothing, and why; `isSealed`: it is one of the bridge's, and no key for it is held. */
    readonly skipped?: (sequence: number, reason: string, isSealed: boolean) => void;
}
/** How far a topic has been read; plain values, so that it can be kept as JSON. Bytes are hexadecimal. */
export interface Progress {
    readonly sequence: number;
    readonly consensusNs: string;
    readonly runningHash: string;
    readonly epoch: string | null;
    /** What the manifest said; null before it. */
    readonly signed: boolean | null;
    readonly publicKey: string | null;
    /** The epoch in force. */
    readonly kid: string | null;
    /** Of the last frame that was taken; null where what came before is sealed under an epoch that isn't held. */
    readonly producerSequence: string | null;
    readonly closed: boolean;
    /** Messages so far that gave nothing. */
    readonly skipped: number;
}
export declare const START: Progress;
/** Where consensus put an event: the frame's last chunk, and the event's index in the frame. */
export interface Place {
    readonly topicId: string;
    readonly sequence: number;
    readonly index: number;
    readonly consensusTimestamp: string;
    readonly runningHash: string;
}
export interface Placed {
    readonly event: LedgerEvent;
    readonly place: Place;
}
export declare class TopicReader {
    #private;
    readonly rules: TopicRules;
    constructor(rules: TopicRules, progress?: Progress);
    get progress(): Progress;
    /** Where another reader may begin: the last place at which no message waited for more chunks. */
    get resume(): Progress;
    /** Why what is read here isn't `verified`, though nothing speaks against it; null: it is. */
    get doubt(): string | null;
    /**
     * The events of the messages that follow, in consensus order. A message that gives nothing is skipped and counted.
     * Throws Broken where the topic contradicts itself; this reader is spent then, and another begins at `resume`.
     */
    read(messages: readonly TopicMessage[]): AsyncGenerator<Placed>;
}
