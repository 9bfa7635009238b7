/**
 * One connection for all tabs of a user. The tab that holds a lock has it and leads; the others speak with that one
 * over a BroadcastChannel. When it goes, the lock passes on, and each tab reads on from its own place.
 */

import { Denied, Unavailable } from "../errors";
import type { ChannelName } from "../wire/channels";
import type { Connection, HistoryPage, Link, Listener, News, StreamPlace } from "./link";

type Refusal = { readonly status: number | null; readonly message: string };

type ToLeader =
  | { readonly kind: "follow" | "drop"; readonly tab: string; readonly channel: ChannelName }
  | ({ readonly kind: "history"; readonly tab: string; readonly request: number } & Asked);

type ToTabs =
  | { readonly kind: "leads" }
  | { readonly kind: "connection"; readonly state: Connection; readonly reason: string }
  | { readonly kind: "news"; readonly tab: string; readonly channel: ChannelName; readonly news: News }
  | { readonly kind: "page"; readonly tab: string; readonly request: number; readonly page: HistoryPage | Refusal };

interface Asked {
  readonly channel: ChannelName;
  readonly since: StreamPlace;
  readonly limit: number;
}

interface Waiting extends Asked {
  readonly resolve: (page: HistoryPage) => void;
  readonly reject: (error: Error) => void;
}

type ConnectionListener = (state: Connection, reason: string) => void;

export function canShare(): boolean {
  return typeof BroadcastChannel !== "undefined" && typeof navigator !== "undefined" && navigator.locks !== undefined;
}

export class SharedLink implements Link {
  readonly #tab = crypto.randomUUID();
  readonly #bus: BroadcastChannel;
  readonly #closed = new AbortController();
  #own: Link | null = null; // while this tab leads
  #isHere = false;
  #listeners = new Map<ChannelName, Map<Listener, () => void>>(); // with how to end what the own link has
  #waiting = new Map<number, Waiting>();
  #requests = 0;
  #tabs = new Map<string, Map<ChannelName, () => void>>(); // the others, while this one leads
  #connection: { state: Connection; reason: string } = { state: "connecting", reason: "" };

  /** `name` tells which tabs belong together: same gateway, same user. `open` makes the connection of who leads. */
  constructor(
    private readonly name: string,
    private readonly open: (connection: ConnectionListener) => Link,
    private readonly heard: ConnectionListener,
  ) {
    this.#bus = new BroadcastChannel(name);
    this.#bus.onmessage = ({ data }: MessageEvent<ToLeader | ToTabs>) => this.#receive(data);
    const { signal } = this.#closed;
    const ended = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    const hold = (lock: string, then: () => void) =>
      navigator.locks.request(lock, { signal }, () => (then(), ended)).catch(() => undefined);
    void hold(this.#alive(this.#tab), () => {
      this.#isHere = true; // not before: whoever leads would take this tab for one that is gone
      this.#askAgain();
      void hold(name, () => this.#lead());
    });
  }

  follow(channel: ChannelName, listener: Listener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Map<Listener, () => void>();
    this.#listeners.set(channel, listeners);
    listeners.set(listener, this.#own?.follow(channel, listener) ?? (() => undefined));
    if (this.#own === null) this.#post({ kind: "follow", tab: this.#tab, channel });
    return () => {
      listeners.get(listener)?.();
      listeners.delete(listener);
      if (listeners.size > 0) return;
      this.#listeners.delete(channel);
      if (this.#own === null) this.#post({ kind: "drop", tab: this.#tab, channel });
    };
  }

  history(channel: ChannelName, since: StreamPlace, limit: number): Promise<HistoryPage> {
    if (this.#own !== null) return this.#own.history(channel, since, limit);
    const request = (this.#requests += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(request, { channel, since, limit, resolve, reject });
      this.#post({ kind: "history", tab: this.#tab, request, channel, since, limit });
    });
  }

  close(): void {
    this.#own?.close();
    this.#closed.abort();
    this.#bus.close();
  }

  /** From here on this tab has the connection. */
  #lead(): void {
    this.#own = this.open((state, reason) => {
      this.#connection = { state, reason };
      this.heard(state, reason);
      this.#post({ kind: "connection", state, reason });
    });
    for (const [channel, listeners] of this.#listeners)
      for (const listener of listeners.keys()) listeners.set(listener, this.#own.follow(channel, listener));
    for (const { channel, since, limit, resolve, reject } of this.#waiting.values())
      this.#own.history(channel, since, limit).then(resolve, reject);
    this.#waiting.clear();
    this.#post({ kind: "leads" });
  }

  #receive(message: ToLeader | ToTabs): void {
    switch (message.kind) {
      case "follow":
        return this.#followFor(message.tab, message.channel);
      case "drop":
        return this.#dropFor(message.tab, message.channel);
      case "history":
        return void this.#historyFor(message.tab, message.request, message);
      case "leads":
        return this.#askAgain();
      case "connection":
        return this.heard(message.state, message.reason);
      case "news":
        if (message.tab !== this.#tab) return;
        return [...(this.#listeners.get(message.channel)?.keys() ?? [])].forEach((listener) => listener(message.news));
      case "page":
        if (message.tab === this.#tab) this.#answered(message.request, message.page);
    }
  }

  /** What a leader knows nothing of yet, because it is new, or this tab is. */
  #askAgain(): void {
    for (const channel of this.#listeners.keys()) this.#post({ kind: "follow", tab: this.#tab, channel });
    for (const [request, { channel, since, limit }] of this.#waiting)
      this.#post({ kind: "history", tab: this.#tab, request, channel, since, limit });
  }

  #answered(request: number, page: HistoryPage | Refusal): void {
    const waiting = this.#waiting.get(request);
    this.#waiting.delete(request);
    if ("publications" in page) waiting?.resolve(page);
    else waiting?.reject(page.status === null ? new Unavailable(page.message) : new Denied(page.status, page.message));
  }

  /** Asked again, it is told anew that it has joined: then another listener of that tab is there. */
  #followFor(tab: string, channel: ChannelName): void {
    if (this.#own === null) return;
    const followed = this.#tabs.get(tab) ?? this.#meet(tab);
    const before = followed.get(channel);
    followed.set(channel, this.#own.follow(channel, (news) => this.#post({ kind: "news", tab, channel, news })));
    before?.();
  }

  #dropFor(tab: string, channel: ChannelName): void {
    this.#tabs.get(tab)?.get(channel)?.();
    this.#tabs.get(tab)?.delete(channel);
  }

  async #historyFor(tab: string, request: number, { channel, since, limit }: Asked): Promise<void> {
    if (this.#own === null) return;
    const page = await this.#own.history(channel, since, limit).catch(
      (error: Error): Refusal => ({ status: error instanceof Denied ? error.status : null, message: error.message }),
    );
    this.#post({ kind: "page", tab, request, page });
  }

  /** A tab holds a lock as long as it lives: who gets it knows that the tab is gone. */
  #meet(tab: string): Map<ChannelName, () => void> {
    const followed = new Map<ChannelName, () => void>();
    this.#tabs.set(tab, followed);
    this.#post({ kind: "connection", ...this.#connection });
    const gone = () => {
      followed.forEach((stop) => stop());
      this.#tabs.delete(tab);
    };
    navigator.locks.request(this.#alive(tab), { signal: this.#closed.signal }, gone).catch(() => undefined);
    return followed;
  }

  #alive(tab: string): string {
    return `${this.name} tab ${tab}`;
  }

  #post(message: ToLeader | ToTabs): void {
    if (this.#isHere && !this.#closed.signal.aborted) this.#bus.postMessage(message);
  }
}
