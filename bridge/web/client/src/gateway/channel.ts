/** A channel of the gateway: catches up by its own place, checks and opens what comes, tells it once, in order. */

import { Denied, Refused, type Unavailable } from "../errors";
import { eventFromLedger, eventOf, type BridgeEvent, type Judgement, type Publication } from "../event";
import { patiently } from "../http";
import type { Checker } from "../proof/checker";
import type { Placed, Progress } from "../proof/reader";
import { keep, kept, type Storage } from "../storage";
import { Teller, type Since, type SubscribeOptions, type Subscription, type SubscriptionState } from "../subscription";
import { unbase64 } from "../wire/bytes";
import { campaignOf, campaignOffset, type ChannelName } from "../wire/channels";
import { openFrame } from "../wire/frame";
import type { Grants } from "./grants";
import type { Link, News, Sent, Settled, StreamPlace } from "./link";

const UNRECOVERABLE = 112;
const SEALED_FRAME = "SEALED_FRAME";
const NOT_CHECKED: Judgement = { verdict: "unverified", reason: "not checked" };
const FOR_A_USER: Judgement = { verdict: "unverified", reason: "a user's channel can't be held against one topic" };

/** What was kept of a channel: behind which place it goes on, and from where the ledger is read. */
interface Kept extends StreamPlace {
  readonly progress: Progress | null;
}

type Confirmed = { readonly offset: number; readonly data: Publication };

export interface ChannelParts {
  readonly link: Link;
  readonly storage: Storage;
  readonly storageKey: string;
  readonly pageSize: number;
  /** Makes what holds events against the ledger; null: they come as the gateway tells them. */
  readonly checker: ((progress: Progress | null, signal: AbortSignal) => Checker) | null;
  readonly grants: Grants;
  readonly all: (event: BridgeEvent) => void;
}

export class GatewayChannel implements Subscription {
  readonly #end = new AbortController();
  readonly #teller: Teller;
  #checker: Checker | null;
  readonly #unfollow: () => void;
  #place: StreamPlace | null;
  #provisional = new Map<string, BridgeEvent>();
  #beforeJoining = new Set<string>(); // of these the subscribe reply says whether they are still open
  #inbox: News[] = [];
  #working = false;

  constructor(readonly channel: ChannelName, private readonly parts: ChannelParts, options: SubscribeOptions) {
    this.#teller = new Teller(options, parts.all);
    const from = this.#start(options.since ?? "kept");
    this.#place = from && { offset: from.offset, epoch: from.epoch };
    this.#checker = parts.checker?.(from?.progress ?? null, this.#end.signal) ?? null;
    this.#unfollow = parts.link.follow(channel, (news) => this.#receive(news));
  }

  get state(): SubscriptionState {
    return this.#teller.state;
  }

  close(): void {
    this.#close();
  }

  #close(reason = ""): void {
    this.#teller.become("closed", reason);
    this.#unfollow();
    this.#end.abort(new DOMException("closed", "AbortError"));
  }

  #start(since: Since): Kept | null {
    if (since === "now") return null;
    if (since === "start") return { offset: 0, epoch: "", progress: null };
    if (since === "kept") return kept<Kept>(this.parts.storage, this.parts.storageKey);
    return { ...since, progress: null };
  }

  #receive(news: News): void {
    this.#inbox.push(news);
    if (!this.#working) void this.#work();
  }

  /** One piece of news after the other; publications that wait together are checked together. */
  async #work(): Promise<void> {
    this.#working = true;
    try {
      for (let news = this.#inbox.shift(); news !== undefined; news = this.#inbox.shift()) await this.#handle(news);
    } catch (error) {
      if (!this.#end.signal.aborted) throw error;
    } finally {
      this.#working = false;
    }
  }

  async #handle(news: News): Promise<void> {
    switch (news.kind) {
      case "joined":
        this.#beforeJoining = new Set(this.#provisional.keys());
        await this.#catchUp(news.top);
        if (this.state !== "broken") this.#teller.become("live");
        return;
      case "sent":
        return this.#take([news.sent, ...this.#waitingToo()]);
      case "settled":
        return this.#settle(news.settled);
      case "away":
        return this.#teller.become("connecting", news.reason);
      case "ended":
        return this.#close(`${news.reason} (${news.code})`);
    }
  }

  #waitingToo(): Sent[] {
    const sent: Sent[] = [];
    for (let next = this.#inbox[0]; next?.kind === "sent"; next = this.#inbox[0]) {
      sent.push(next.sent);
      this.#inbox.shift();
    }
    return sent;
  }

  /** Page from our own place to the top: whatever the connection recovered or didn't, there is no hole. */
  async #catchUp(top: StreamPlace): Promise<void> {
    this.#place ??= top;
    // above the top, too: a store that lost something says that there is no such place
    let isElsewhere = this.#place.offset !== top.offset || !sameEpoch(this.#place, top);
    while (isElsewhere) {
      try {
        const { publications } = await this.#page(this.#place);
        await this.#take(publications);
        const isThrough = publications.length === 0;
        const offset: number = isThrough ? Math.max(this.#place.offset, top.offset) : this.#place.offset;
        this.#place = { offset, epoch: top.epoch };
        isElsewhere = offset < top.offset;
      } catch (error) {
        if (!(error instanceof Denied)) throw error;
        if (error.status !== UNRECOVERABLE) return this.#close(error.message);
        this.#place = top;
        this.#checker = this.parts.checker?.(null, this.#end.signal) ?? null; // of another topic, maybe
        this.#write(top); // whatever was kept
        this.#teller.become("gap", "what came behind the last place is no longer there");
        isElsewhere = false;
      }
    }
    this.#keep(this.#place);
  }

  #page(since: StreamPlace): ReturnType<Link["history"]> {
    const { link, pageSize } = this.parts;
    const failed = ({ message }: Unavailable) => this.#teller.become("connecting", message);
    return patiently(() => link.history(this.channel, since, pageSize), this.#end.signal, { failed });
  }

  async #take(sent: readonly Sent[]): Promise<void> {
    const from = this.#place?.offset ?? 0;
    const isNew = (each: Sent): each is Confirmed => each.offset !== null && each.offset > from;
    const confirmed = sent.filter(isNew);
    const last = confirmed.at(-1);
    if (last !== undefined) await this.#checker?.readTo(last.offset, from);
    for (const each of sent) {
      if (this.#end.signal.aborted) return;
      if (each.offset === null) this.#announce(eventOf(this.channel, each.data));
      else if (isNew(each)) for (const event of await this.#events(each)) this.#confirm(event);
    }
    if (last === undefined) return;
    this.#place = { offset: last.offset, epoch: this.#place?.epoch ?? "" };
    this.#keep(this.#place);
  }

  /** What a confirmed publication comes to: one event, or those of a frame that the gateway didn't open. */
  async #events({ offset, data }: Confirmed): Promise<BridgeEvent[]> {
    if (data.event === SEALED_FRAME && data.encrypted) return this.#opened(offset, data);
    const unchecked = campaignOf(this.channel) === null ? FOR_A_USER : NOT_CHECKED;
    return [{ ...eventOf(this.channel, data, offset), ...(this.#checker?.judge(data, offset) ?? unchecked) }];
  }

  async #opened(offset: number, publication: Publication): Promise<BridgeEvent[]> {
    const sequence = publication.meta.sequence ?? 0;
    const shown = this.#checker?.takeFrame(sequence) ?? NOT_CHECKED;
    const placed = Array.isArray(shown) ? shown : await this.#openUnchecked(publication);
    const judgement = Array.isArray(shown) ? this.#checker!.verdict : shown;
    const campaignId = campaignOf(this.channel) ?? "";
    if (placed === null) {
      const unopened = { ...eventOf(this.channel, publication, offset), id: `${offset}` };
      return [{ ...unopened, verdict: judgement.verdict, reason: judgement.reason ?? "no key is held for it" }];
    }
    return placed.map((each) => ({
      ...eventFromLedger(this.channel, campaignId, each, campaignOffset(sequence, each.place.index)),
      ...judgement,
    }));
  }

  /** The frame as the gateway handed it on, with nothing known of the topic around it; null: not ours to open. */
  async #openUnchecked({ data, meta }: Publication): Promise<Placed[] | null> {
    const { topicId = "", sequence = 0, consensusTimestamp = "", runningHash = "" } = meta;
    this.parts.grants.newMessages();
    const network = (await this.parts.grants.network()) ?? "";
    try {
      const frame = unbase64(String(data.payload.frame));
      const context = { network, topicId };
      const opening = { context, keys: this.parts.grants, signed: undefined, publicKey: null };
      const { elements } = await openFrame(frame, opening);
      return elements.flatMap((event, index) =>
        event.kind === "event" ? [{ event, place: { topicId, sequence, index, consensusTimestamp, runningHash } }] : [],
      );
    } catch (error) {
      if (error instanceof Refused || error instanceof TypeError) return null;
      throw error;
    }
  }

  #announce(event: BridgeEvent): void {
    if (event.state === "provisional") this.#provisional.set(event.id, event);
    else this.#provisional.delete(event.id);
    this.#teller.event(event);
  }

  #confirm(event: BridgeEvent): void {
    this.#provisional.delete(event.id);
    if (event.verdict === "broken") this.#teller.become("broken", event.reason);
    else if (this.state === "broken") this.#teller.become("live");
    this.#teller.event(event);
  }

  /** Drop what nobody will confirm any more: the subscribe reply knows what is still open. */
  #settle({ open, rejected }: Settled): void {
    const reasons = new Map(rejected.map(({ id, reason }) => [id, reason]));
    for (const [id, event] of this.#provisional) {
      if (!this.#beforeJoining.has(id)) continue;
      const reason = reasons.get(id);
      if (reason !== undefined) this.#announce({ ...event, state: "rejected", reason });
      else if (!open.includes(id)) this.#announce({ ...event, state: "dropped" });
    }
  }

  /** Never behind a place that another tab has kept. */
  #keep(place: StreamPlace): void {
    const { storage, storageKey } = this.parts;
    const before = kept<Kept>(storage, storageKey);
    if (before === null || before.epoch !== place.epoch || before.offset < place.offset) this.#write(place);
  }

  #write(place: StreamPlace): void {
    const { storage, storageKey } = this.parts;
    keep(storage, storageKey, { ...place, progress: this.#checker?.behind ?? null } satisfies Kept);
  }
}

function sameEpoch(one: StreamPlace, other: StreamPlace): boolean {
  return one.epoch === other.epoch || one.epoch === "" || other.epoch === "";
}
