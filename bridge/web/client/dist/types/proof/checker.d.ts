/** Holds what the gateway sends against the ledger's own messages, one campaign's channel at a time, in its order. */
import { type Judgement, type Publication } from "../event";
import type { KeyLookup } from "../wire/epochs";
import type { Bytes } from "../wire/bytes";
import { type Placed, type Progress } from "./reader";
import type { TopicContext } from "../wire/frame";
import type { TopicMessage } from "../wire/messages";
/** A page of the topic behind message `after`, up to message `to` at most, and what topic it is. */
export type ShownMessages = (range: {
    after: number;
    to: number;
}, signal: AbortSignal) => Promise<{
    context: TopicContext;
    messages: TopicMessage[];
}>;
export interface CheckerRules {
    readonly campaignId: string;
    readonly pin: Bytes | null;
    readonly keys: KeyLookup;
    readonly shown: ShownMessages;
    /** Told that messages came, before they are read. */
    readonly newMessages: () => void;
}
export declare class Checker {
    #private;
    private readonly rules;
    private readonly signal;
    constructor(rules: CheckerRules, progress: Progress | null, signal: AbortSignal);
    /** Where another checker may begin: before the frame that was last read, of which not all may be judged yet. */
    get behind(): Progress;
    /**
     * Read the ledger up to the message at `offset`; what hinders it is the judgement of all up to there. Nothing that
     * stands behind `since` may be passed over.
     */
    readTo(offset: number, since: number): Promise<void>;
    /** What the ledger says of a confirmed publication at or before the place that was read to. */
    judge(publication: Publication, offset: number): Judgement;
    /** Of what was read here itself. */
    get verdict(): Judgement;
    /** The events of the frame whose last chunk has this sequence number; null where something hindered reading. */
    takeFrame(sequence: number): Placed[] | Judgement;
}
