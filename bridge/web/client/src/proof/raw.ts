/** Where a topic's raw messages come from: the gateway's proof, a mirror, or several mirrors that are compared. */

import { Broken, Denied, Unavailable } from "../errors";
import { fetchJson, type Authorization } from "../http";
import { equal } from "../wire/bytes";
import { parseMessages, type TopicMessage } from "../wire/messages";

export const PAGE = 100; // a mirror gives no more rows than this

/** The messages behind sequence number `after`, ascending, at most a page; none: there are none yet. */
export type RawMessages = (after: number, signal: AbortSignal) => Promise<TopicMessage[]>;

export interface Proof {
  readonly topicId: string;
  readonly network: string;
  readonly messages: TopicMessage[];
}

/** What the gateway shows of a campaign's topic from message `from` to `to`. */
export async function fetchProof(
  api: string, campaignId: string, range: { from: number; to: number }, signal: AbortSignal, token: Authorization,
): Promise<Proof> {
  const url = `${api}/v1/campaigns/${encodeURIComponent(campaignId)}/proof?from=${range.from}&to=${range.to}`;
  const answer = (await fetchJson(url, signal, token)) as { topicId?: unknown; network?: unknown } | null;
  const { topicId, network } = answer ?? {};
  if (typeof topicId !== "string" || typeof network !== "string") throw new Unavailable("the answer is not a proof");
  return { topicId, network, messages: parseMessages(answer) };
}

/** A mirror node's REST. `url` with or without `/api/v1`. */
export function mirrorMessages(url: string, topicId: string): RawMessages {
  const base = url.replace(/\/+$/, "").replace(/\/api\/v1$/, "");
  return async (after, signal) => {
    // "gt:0" is refused, so the range is closed
    const query = `sequencenumber=gte:${after + 1}&order=asc&limit=${PAGE}`;
    try {
      return parseMessages(await fetchJson(`${base}/api/v1/topics/${topicId}/messages?${query}`, signal));
    } catch (error) {
      if (error instanceof Denied && error.status === 404) return []; // a topic that the mirror doesn't know yet
      throw error;
    }
  };
}

/** What all of them show alike. Throws Broken where they differ: what one has, and another not yet, waits. */
export function comparedMessages(sources: readonly RawMessages[]): RawMessages {
  const [first] = sources;
  if (first === undefined) throw new TypeError("a mirror's address is needed");
  if (sources.length === 1) return first;
  return async (after, signal) => {
    const [page, ...others] = await Promise.all(sources.map((source) => source(after, signal)));
    const shown = Math.min(...others.map((other) => other.length), page!.length);
    const alike = page!.slice(0, shown);
    for (const [at, message] of alike.entries())
      if (!others.every((other) => isSame(message, other[at]!)))
        throw new Broken(message.sequence, "the mirrors differ in it");
    return alike;
  };
}

function isSame(one: TopicMessage, other: TopicMessage): boolean {
  return (
    one.sequence === other.sequence &&
    one.consensusNs === other.consensusNs &&
    one.payer === other.payer &&
    equal(one.message, other.message) &&
    equal(one.runningHash, other.runningHash) &&
    JSON.stringify(one.chunk) === JSON.stringify(other.chunk)
  );
}
