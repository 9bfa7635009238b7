/** A campaign straight from a mirror, with keys at hand: no gateway, the same events. */

import { Broken, Unavailable } from "./errors";
import { eventFromLedger, judgementOf, type BridgeEvent } from "./event";
import { backoffMs, patiently, pause } from "./http";
import { PAGE, type RawMessages } from "./proof/raw";
import { START, TopicReader, type Placed, type Progress, type TopicRules } from "./proof/reader";
import { keep, kept, type Storage } from "./storage";
import { Teller, type SubscribeOptions, type Subscription, type SubscriptionState } from "./subscription";
import { campaignOffset, type ChannelName } from "./wire/channels";

const SLOWING = 1.5; // the interval grows so while nothing comes

export interface MirrorParts {
  readonly raw: RawMessages;
  readonly rules: Omit<TopicRules, "skipped">;
  readonly storage: Storage;
  readonly storageKey: string;
  readonly pollMs: { readonly shortest: number; readonly longest: number };
  readonly all: (event: BridgeEvent) => void;
}

interface Kept {
  readonly offset: number;
  readonly progress: Progress;
}

export class MirrorChannel implements Subscription {
  readonly #end = new AbortController();
  readonly #teller: Teller;
  #reader: TopicReader;
  #lastSkip = "it has no manifest";
  /** Events up to here were told. `now`: those that are there already are not. */
  #offset: number | "now";

  constructor(readonly channel: ChannelName, private readonly parts: MirrorParts, options: SubscribeOptions) {
    this.#teller = new Teller(options, parts.all);
    const since = options.since ?? "kept";
    const from = since === "kept" ? kept<Kept>(parts.storage, parts.storageKey) : null;
    this.#offset = since === "start" ? 0 : (from?.offset ?? (typeof since === "object" ? since.offset : "now"));
    this.#reader = this.#readerAt(from?.progress ?? START);
    this.#run().catch((error) => this.#teller.become("closed", this.#end.signal.aborted ? "" : String(error)));
  }

  get state(): SubscriptionState {
    return this.#teller.state;
  }

  close(): void {
    this.#teller.become("closed");
    this.#end.abort(new DOMException("closed", "AbortError"));
  }

  async #run(): Promise<void> {
    const { shortest, longest } = this.parts.pollMs;
    const { signal } = this.#end;
    let wait = shortest;
    for (let faults = 0; ; ) {
      try {
        const count = await this.#readOn();
        faults = 0;
        wait = count > 0 ? shortest : Math.min(longest, wait * SLOWING);
        if (count === PAGE) continue;
        this.#arrived();
        await pause(wait, signal);
      } catch (error) {
        if (!(error instanceof Broken) && !(error instanceof Unavailable)) throw error;
        this.#teller.become(error instanceof Broken ? "broken" : "connecting", error.message);
        this.#reader = this.#readerAt(this.#reader.resume); // it may have been the mirror's weather: look again
        await pause(Math.max(shortest, backoffMs((faults += 1))), signal);
      }
    }
  }

  /** Read a page on; how many messages it had. */
  async #readOn(): Promise<number> {
    const { raw } = this.parts;
    const failed = ({ message }: Unavailable) => this.#teller.become("connecting", message);
    const { signal } = this.#end;
    const messages = await patiently(() => raw(this.#reader.progress.sequence, signal), signal, { failed });
    for await (const placed of this.#reader.read(messages)) this.#tell(placed);
    if (messages.length > 0) this.#keep();
    return messages.length;
  }

  #tell(placed: Placed): void {
    const offset = campaignOffset(placed.place.sequence, placed.place.index);
    if (this.#offset === "now" || offset <= this.#offset) return; // told before, and read again only for its chunks
    this.#offset = offset;
    const { doubt } = this.#reader;
    const event = eventFromLedger(this.channel, this.parts.rules.campaignId, placed, offset);
    this.#teller.event({ ...event, ...judgementOf(doubt) });
  }

  /** All that is there was read. */
  #arrived(): void {
    const { sequence, kid } = this.#reader.progress;
    if (this.#offset === "now") {
      this.#offset = campaignOffset(sequence + 1, 0) - 1;
      this.#keep();
    }
    if (sequence > 0 && kid === null) this.#teller.become("broken", this.#lastSkip);
    else this.#teller.become("live");
  }

  #keep(): void {
    if (this.#offset === "now") return;
    const { storage, storageKey } = this.parts;
    keep(storage, storageKey, { offset: this.#offset, progress: this.#reader.resume } satisfies Kept);
  }

  #readerAt(progress: Progress): TopicReader {
    const skipped = (sequence: number, reason: string, isSealed: boolean) => {
      this.#lastSkip = `message ${sequence}: ${reason}`;
      const isNew = this.#offset !== "now" && campaignOffset(sequence, 0) > this.#offset;
      if (isSealed && isNew) this.#teller.become("gap", this.#lastSkip);
    };
    return new TopicReader({ ...this.parts.rules, skipped }, progress);
  }
}
