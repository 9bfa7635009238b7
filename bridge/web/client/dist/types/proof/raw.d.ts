/** Where a topic's raw messages come from: the gateway's proof, a mirror, or several mirrors that are compared. */
import { type Authorization } from "../http";
import { type TopicMessage } from "../wire/messages";
export declare const PAGE = 100;
/** The messages behind sequence number `after`, ascending, at most a page; none: there are none yet. */
export type RawMessages = (after: number, signal: AbortSignal) => Promise<TopicMessage[]>;
export interface Proof {
    readonly topicId: string;
    readonly network: string;
    readonly messages: TopicMessage[];
}
/** What the gateway shows of a campaign's topic from message `from` to `to`. */
export declare function fetchProof(api: string, campaignId: string, range: {
    from: number;
    to: number;
}, signal: AbortSignal, token: Authorization): Promise<Proof>;
/** A mirror node's REST. `url` with or without `/api/v1`. */
export declare function mirrorMessages(url: string, topicId: string): RawMessages;
/** What all of them show alike. Throws Broken where they differ: what one has, and another not yet, waits. */
export declare function comparedMessages(sources: readonly RawMessages[]): RawMessages;
