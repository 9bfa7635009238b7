/** The gateway as a subscription sees it, and the public `centrifuge` client behind it. */

import { Centrifuge, type Subscription } from "centrifuge";
import { Denied, Unavailable } from "../errors";
import type { Publication } from "../event";
import type { ChannelName } from "../wire/channels";

export interface StreamPlace {
  readonly offset: number;
  readonly epoch: string;
}

/** A publication with the offset that consensus gave it, or none. */
export interface Sent {
  readonly offset: number | null;
  readonly data: Publication;
}

export interface Settled {
  readonly open: readonly string[];
  readonly rejected: readonly { readonly id: string; readonly reason: string }[];
}

/** What happens in a channel, as plain values: they travel between tabs. */
export type News =
  /** Joined: what comes next follows `top`. */
  | { readonly kind: "joined"; readonly top: StreamPlace }
  | { readonly kind: "sent"; readonly sent: Sent }
  /** Of what was provisional before it joined, this is still open. Comes behind what was recovered. */
  | { readonly kind: "settled"; readonly settled: Settled }
  | { readonly kind: "away"; readonly reason: string }
  | { readonly kind: "ended"; readonly code: number; readonly reason: string };

export type Listener = (news: News) => void;

export type Connection = "connecting" | "connected" | "disconnected";

export interface HistoryPage {
  readonly publications: readonly Sent[];
  readonly top: StreamPlace;
}

export interface Link {
  /** Hear of a channel until the returned function is called. Who comes later is told `joined`, the top as it is. */
  follow(channel: ChannelName, listener: Listener): () => void;
  /** What stands behind `since`, ascending. Throws Unavailable, or Denied (code 112: no such place in this stream). */
  history(channel: ChannelName, since: StreamPlace, limit: number): Promise<HistoryPage>;
  close(): void;
}

export interface LinkOptions {
  readonly url: string;
  readonly token: string | undefined;
  readonly getToken: (() => Promise<string>) | undefined;
  /** Merged into the options of the `centrifuge` client. */
  readonly centrifuge?: object;
  readonly connection: (state: Connection, reason: string) => void;
}

const LAST_TEMPORARY = 100; // an internal error of the server; below are the client's own: a timeout, a lost connection

interface Followed {
  readonly subscription: Subscription;
  readonly listeners: Set<Listener>;
  /** Null while it isn't joined. */
  top: StreamPlace | null;
}

/** A connection of this page's own. */
export class OwnLink implements Link {
  #client: Centrifuge;
  #followed = new Map<ChannelName, Followed>();

  constructor({ url, token, getToken, centrifuge, connection }: LinkOptions) {
    this.#client = new Centrifuge(url, {
      ...(token !== undefined && { token }),
      ...(getToken !== undefined && { getToken }),
      ...centrifuge,
    });
    this.#client.on("connecting", ({ reason }) => connection("connecting", reason));
    this.#client.on("connected", () => connection("connected", ""));
    this.#client.on("disconnected", ({ reason }) => connection("disconnected", reason));
    this.#client.connect();
  }

  follow(channel: ChannelName, listener: Listener): () => void {
    const followed = this.#followed.get(channel) ?? this.#subscribe(channel);
    followed.listeners.add(listener);
    const { top } = followed;
    if (top !== null) listener({ kind: "joined", top });
    return () => {
      followed.listeners.delete(listener);
      if (followed.listeners.size === 0) this.#drop(channel, followed);
    };
  }

  async history(channel: ChannelName, since: StreamPlace, limit: number): Promise<HistoryPage> {
    const subscription = this.#client.getSubscription(channel);
    if (subscription === null) throw new Unavailable("not subscribed");
    try {
      const { publications, offset, epoch } = await subscription.history({ since, limit });
      return {
        publications: publications.map((each) => ({ offset: each.offset ?? null, data: each.data as Publication })),
        top: { offset, epoch },
      };
    } catch (error) {
      throw refusalOf(error);
    }
  }

  close(): void {
    this.#client.disconnect();
  }

  #subscribe(channel: ChannelName): Followed {
    const subscription = this.#client.newSubscription(channel);
    const followed: Followed = { subscription, listeners: new Set(), top: null };
    const tell = (news: News) => followed.listeners.forEach((listener) => listener(news));
    subscription.on("subscribed", ({ streamPosition, data }) => {
      const top = (followed.top = streamPosition ?? { offset: 0, epoch: "" });
      tell({ kind: "joined", top });
      // what was recovered is handed out before this turn ends
      queueMicrotask(() => tell({ kind: "settled", settled: { open: [], rejected: [], ...data } }));
    });
    subscription.on("publication", ({ offset = null, data }) => {
      if (offset !== null && followed.top !== null) followed.top = { ...followed.top, offset };
      tell({ kind: "sent", sent: { offset, data } });
    });
    subscription.on("subscribing", ({ reason }) => {
      followed.top = null;
      tell({ kind: "away", reason });
    });
    subscription.on("unsubscribed", ({ code, reason }) => {
      followed.top = null;
      tell({ kind: "ended", code, reason });
    });
    subscription.subscribe();
    this.#followed.set(channel, followed);
    return followed;
  }

  #drop(channel: ChannelName, { subscription }: Followed): void {
    this.#followed.delete(channel);
    subscription.removeAllListeners();
    this.#client.removeSubscription(subscription);
  }
}

/** A link that is still being opened. */
export class LateLink implements Link {
  constructor(private readonly opening: Promise<Link>) {}

  follow(channel: ChannelName, listener: Listener): () => void {
    let isWanted = true;
    let stop = () => {};
    void this.opening.then((link) => {
      if (isWanted) stop = link.follow(channel, listener);
    });
    return () => {
      isWanted = false;
      stop();
    };
  }

  async history(channel: ChannelName, since: StreamPlace, limit: number): Promise<HistoryPage> {
    return (await this.opening).history(channel, since, limit);
  }

  close(): void {
    void this.opening.then((link) => link.close());
  }
}

function refusalOf(error: unknown): Error {
  const { code = 0, message = String(error) } = error as { code?: number; message?: string };
  const isTemporary = code <= LAST_TEMPORARY;
  return isTemporary ? new Unavailable(message) : new Denied(code, message);
}
