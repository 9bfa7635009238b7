/** Holds what the gateway sends against the ledger's own messages, one campaign's channel at a time, in its order. */

import { Broken, Denied, Unavailable } from "../errors";
import { patiently, pause } from "../http";
import { judgementOf, tellsOf, type Judgement, type Publication } from "../event";
import { campaignOffset, sequenceAt } from "../wire/channels";
import type { KeyLookup } from "../wire/epochs";
import type { Bytes } from "../wire/bytes";
import { START, TopicReader, type Placed, type Progress } from "./reader";
import type { TopicContext } from "../wire/frame";
import type { TopicMessage } from "../wire/messages";

const ATTEMPTS = 4;
const LAG_MS = 500; // between looks at a mirror that is behind the gateway
const LOOKS = 20;

/** A page of the topic behind message `after`, up to message `to` at most, and what topic it is. */
export type ShownMessages = (
  range: { after: number; to: number }, signal: AbortSignal,
) => Promise<{ context: TopicContext; messages: TopicMessage[] }>;

export interface CheckerRules {
  readonly campaignId: string;
  readonly pin: Bytes | null;
  readonly keys: KeyLookup;
  readonly shown: ShownMessages;
  /** Told that messages came, before they are read. */
  readonly newMessages: () => void;
}

export class Checker {
  #reader: TopicReader | null = null;
  #progress: Progress; // to begin from where there is no reader
  #behind: Progress;
  #found = new Map<number, Placed>(); // by offset; those that were judged are dropped
  #skipped = new Map<number, string>(); // by sequence number
  #since = 0; // what stands behind this offset is to be told
  #trouble: Judgement | null = null;

  constructor(private readonly rules: CheckerRules, progress: Progress | null, private readonly signal: AbortSignal) {
    this.#progress = this.#behind = progress ?? START;
  }

  /** Where another checker may begin: before the frame that was last read, of which not all may be judged yet. */
  get behind(): Progress {
    return this.#behind;
  }

  /**
   * Read the ledger up to the message at `offset`; what hinders it is the judgement of all up to there. Nothing that
   * stands behind `since` may be passed over.
   */
  async readTo(offset: number, since: number): Promise<void> {
    this.#trouble = null;
    try {
      await this.#read(sequenceAt(offset));
    } catch (error) {
      this.#progress = this.#reader?.resume ?? this.#progress;
      this.#reader = null; // spent
      this.signal.throwIfAborted();
      this.#trouble = troubleOf(error);
    }
    this.#since = since;
    this.#forget(since);
  }

  /** What the ledger says of a confirmed publication at or before the place that was read to. */
  judge(publication: Publication, offset: number): Judgement {
    const placed = this.#found.get(offset);
    if (placed === undefined) return this.#trouble ?? this.#missing(sequenceAt(offset));
    const passedOver = this.#passedOver(offset, ({ event }) => event.audience === null); // users' go by channels of theirs
    this.#forget(offset);
    if (passedOver !== null) return passedOver;
    if (!tellsOf(publication, placed))
      return { verdict: "broken", reason: `message ${placed.place.sequence}: the ledger tells another event there` };
    return this.verdict;
  }

  /** Of what was read here itself. */
  get verdict(): Judgement {
    return judgementOf(this.#reader?.doubt ?? null);
  }

  /** The events of the frame whose last chunk has this sequence number; null where something hindered reading. */
  takeFrame(sequence: number): Placed[] | Judgement {
    const placed = [...this.#found.values()].filter(({ place }) => place.sequence === sequence);
    if (placed.length === 0 && this.#trouble !== null) return this.#trouble;
    if (this.#skipped.has(sequence)) return this.#missing(sequence);
    const told = sequenceAt(this.#since); // whole, whatever the index
    const passedOver = this.#passedOver(campaignOffset(sequence, 0), ({ place }) => place.sequence > told);
    this.#forget(campaignOffset(sequence + 1, 0) - 1);
    return passedOver ?? placed;
  }

  /** Of what the ledger has before `offset` and was to be told, the first that wasn't. */
  #passedOver(offset: number, isTold: (placed: Placed) => boolean): Judgement | null {
    const first = [...this.#found].find(([at, placed]) => at < offset && isTold(placed));
    if (first === undefined) return null;
    return { verdict: "broken", reason: `message ${sequenceAt(first[0])}: what stands there was passed over` };
  }

  #forget(upTo: number): void {
    for (const offset of this.#found.keys()) if (offset <= upTo) this.#found.delete(offset);
    for (const sequence of this.#skipped.keys()) if (sequence < sequenceAt(upTo)) this.#skipped.delete(sequence);
  }

  async #read(sequence: number): Promise<void> {
    const sequenceRead = () => this.#reader?.progress.sequence ?? this.#progress.sequence;
    if (sequenceRead() < sequence) this.#behind = this.#reader?.resume ?? this.#progress;
    for (let looks = 0; sequenceRead() < sequence; ) {
      const after = sequenceRead();
      const show = () => this.rules.shown({ after, to: sequence }, this.signal);
      const { context, messages } = await patiently(show, this.signal, { attempts: ATTEMPTS });
      if (messages.length === 0) {
        if ((looks += 1) > LOOKS) throw new Unavailable(`message ${sequence} is not shown yet`);
        await pause(LAG_MS, this.signal);
      }
      this.rules.newMessages();
      const skipped = (at: number, reason: string) => this.#skipped.set(at, reason);
      this.#reader ??= new TopicReader({ ...this.rules, context, skipped }, this.#progress);
      for await (const placed of this.#reader.read(messages))
        this.#found.set(campaignOffset(placed.place.sequence, placed.place.index), placed);
    }
  }

  #missing(sequence: number): Judgement {
    const { producerSequence, kid } = this.#reader?.progress ?? this.#progress;
    if (kid !== null && producerSequence === null)
      return { verdict: "unverified", reason: "no key is held for the epoch that sealed it" };
    const why = this.#skipped.get(sequence) ?? "it tells of others";
    return { verdict: "broken", reason: `message ${sequence}: the ledger has no such event there: ${why}` };
  }
}

function troubleOf(error: unknown): Judgement {
  if (error instanceof Broken) return { verdict: "broken", reason: error.message };
  if (error instanceof Unavailable || error instanceof Denied)
    return { verdict: "unverified", reason: `the proof can't be had: ${error.message}` };
  throw error;
}
