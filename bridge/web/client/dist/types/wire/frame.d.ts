/** Frames: events signed, sealed and padded into one HCS message; here the strict way back (docs/wire-format.md). */
import { type Bytes } from "./bytes";
import type { KeyLookup } from "./epochs";
import { type Element } from "./events";
export declare const FORMAT = "hcs-bridge/1";
/** What every seal in a topic is bound to. */
export interface TopicContext {
    readonly network: string;
    readonly topicId: string;
}
/** An event's index is its place in `elements`, placeholders and control messages counted. */
export interface OpenedFrame {
    readonly producerSequence: bigint;
    readonly kid: string;
    readonly elements: readonly Element[];
}
export interface Opening {
    readonly context: TopicContext;
    readonly keys: KeyLookup;
    /** What the manifest says of frames; undefined where it wasn't read, and nothing is vouched for. */
    readonly signed: boolean | undefined;
    /** The key that must have signed; null where nobody asks. */
    readonly publicKey: Bytes | null;
}
/** Throws KeyMissing, or Refused for anything that no writer of this format would have written here. */
export declare function openFrame(frame: Bytes, opening: Opening): Promise<OpenedFrame>;
/** Binds a seal to one topic of one network. */
export declare function topicAad({ network, topicId }: TopicContext): Bytes;
