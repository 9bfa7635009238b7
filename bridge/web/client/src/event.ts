/** An event as an application gets it: the seed's WebSocketMessage with a state, a verdict, and its place. */

import type { Place, Placed } from "./proof/reader";
import type { ChannelName } from "./wire/channels";
import type { Json, JsonObject } from "./wire/data";

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
export function judgementOf(doubt: string | null): Judgement {
  return doubt === null ? { verdict: "verified" } : { verdict: "unverified", reason: doubt };
}

/** The application's view of what the gateway sent. */
export function eventOf(channel: ChannelName, publication: Publication, offset?: number): BridgeEvent {
  const { event, data, encrypted, meta } = publication;
  const { topicId, sequence, index = 0, consensusTimestamp, runningHash } = meta;
  const isPlaced = topicId !== undefined && sequence !== undefined && consensusTimestamp !== undefined;
  return {
    channel, id: meta.id, state: meta.phase, event, data, encrypted,
    ...(meta.campaignId !== undefined && { campaignId: meta.campaignId }),
    ...(meta.reason !== undefined && { reason: meta.reason }),
    ...(offset !== undefined && { offset }),
    ...(isPlaced && { place: { topicId, sequence, index, consensusTimestamp, runningHash: runningHash ?? "" } }),
  };
}

/** The application's view of what was opened here. */
export function eventFromLedger(
  channel: ChannelName, campaignId: string, { event, place }: Placed, offset: number,
): BridgeEvent {
  return { channel, campaignId, id: event.id, state: "confirmed", encrypted: false, offset, place, ...shownOf(event) };
}

/** Whether a publication tells what stands on the ledger. */
export function tellsOf(publication: Publication, { event, place }: Placed): boolean {
  const { meta } = publication;
  const shown = shownOf(event);
  return (
    meta.id === event.id &&
    publication.event === event.name &&
    publication.data.timestamp === shown.data.timestamp &&
    (publication.data.userId ?? null) === event.audience &&
    meta.topicId === place.topicId &&
    meta.consensusTimestamp === place.consensusTimestamp &&
    meta.runningHash === place.runningHash &&
    same(publication.data.payload, event.data)
  );
}

function shownOf({ name, data, timeMs, audience }: Placed["event"]): { event: string; data: EventData } {
  const type = name === "BALANCE_UPDATE" ? "BALANCE" : name === "SYSTEM_NOTIFICATION" ? "NOTIFICATION" : "CAMPAIGN";
  const timestamp = new Date(timeMs).toISOString();
  return { event: name, data: { type, payload: data, timestamp, ...(audience !== null && { userId: audience }) } };
}

function same(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [names, others] = [Object.keys(one), Object.keys(other)];
  return (
    names.length === others.length &&
    names.every((name) => Object.hasOwn(other, name) && same((one as JsonObject)[name], (other as JsonObject)[name]))
  );
}
