/** An event as an application gets it: the seed's WebSocketMessage with a state, a verdict, and its place. */
import type { Place, Placed } from "./proof/reader";
import type { ChannelName } from "./wire/channels";
import type { JsonObject } from "./wire/data";
/**
 * `provisional`: accepted, on its way. `confirmed`: consensus has it. `rejected`: it was refused or given up, and
 * `reason` says why. `dropped`: nobody will confirm it any more. Behind the first another may come, with the same `id`.
 */
export type EventState = "provisional" | "confirmed" | "rejected" | "dropped";
/** `unverified`: nothing speaks against it; `reason` says what is missing. `broken`: something does, see `reason`. */
export type Verdict = "verified" | "unverified" | "broken";
export interface BridgeEvent {
    readonly channel: ChannelName;
    readonly id: string;
    readonly state: EventState;
    readonly event: string;
    readonly data: EventData;
    /** A frame that no key here opens; its `event` is SEALED_FRAME. */
    readonly encrypted: boolean;
    readonly campaignId?: string;
    /** Of a confirmed event. */
    readonly verdict?: Verdict;
    readonly reason?: string;
    readonly offset?: number;
    readonly place?: Place;
}
export interface EventData {
    readonly type: string;
    readonly payload: JsonObject;
    readonly timestamp: string;
    readonly userId?: string;
}
/** A publication's data as the gateway sends it (docs/client.md). */
export interface Publication {
    readonly event: string;
    readonly data: EventData;
    readonly encrypted: boolean;
    readonly meta: {
        readonly id: string;
        readonly phase: "provisional" | "confirmed" | "rejected";
        readonly campaignId?: string;
        readonly reason?: string;
        readonly topicId?: string;
        readonly sequence?: number;
        readonly index?: number;
        readonly first?: number;
        readonly consensusTimestamp?: string;
        readonly runningHash?: string;
    };
}
export interface Judgement {
    readonly verdict: Verdict;
    readonly reason?: string;
}
/** Of what was read from the ledger itself, with nothing against it. */
export declare function judgementOf(doubt: string | null): Judgement;
/** The application's view of what the gateway sent. */
export declare function eventOf(channel: ChannelName, publication: Publication, offset?: number): BridgeEvent;
/** The application's view of what was opened here. */
export declare function eventFromLedger(channel: ChannelName, campaignId: string, { event, place }: Placed, offset: number): BridgeEvent;
/** Whether a publication tells what stands on the ledger. */
export declare function tellsOf(publication: Publication, { event, place }: Placed): boolean;
