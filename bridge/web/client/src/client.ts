/** The client: one connection, or a mirror and keys, and the channels that an application follows. */

import type { BridgeEvent } from "./event";
import { GatewayChannel, type ChannelParts } from "./gateway/channel";
import { Grants, unwrap } from "./gateway/grants";
import { LateLink, OwnLink, type Connection, type Link } from "./gateway/link";
import { canShare, SharedLink } from "./gateway/tabs";
import { MirrorChannel } from "./mirror";
import { comparedMessages, fetchProof, mirrorMessages } from "./proof/raw";
import { Checker, type ShownMessages } from "./proof/checker";
import type { Progress } from "./proof/reader";
import { defaultStorage, deviceKeys, type Storage } from "./storage";
import { guarded, type SubscribeOptions, type Subscription } from "./subscription";
import { Tokens, type TokenSource } from "./tokens";
import { unbase64, unhex, type Bytes } from "./wire/bytes";
import { campaignOf, isChannel, type ChannelName } from "./wire/channels";
import { epochOf, KeyTable, type KeyLookup } from "./wire/epochs";

/** A key that the application holds: 32 bytes as hexadecimal, and the channel whose key it is. */
export interface GivenKey {
  readonly owner: ChannelName;
  readonly key: string;
}

/** A key as `GET /v1/campaigns/{id}/keys` hands it out: it opens on the device that it was asked for on, nowhere else. */
export interface GrantedKey {
  readonly owner: ChannelName;
  readonly kid: string;
  readonly wrapped: string;
}

interface CommonOptions {
  /** The bridge's public key, 32 bytes as hexadecimal, had from elsewhere. Without it nothing is `verified`. */
  readonly pin?: string;
  /** Where places are kept; `localStorage` unless given. */
  readonly storage?: Storage;
}

export interface GatewayOptions extends CommonOptions {
  readonly source?: "gateway";
  /** `wss://…/connection/websocket`; the page's own host unless given. */
  readonly url?: string;
  /** The HTTP door, which has proofs and keys; the page's own origin unless given. */
  readonly api?: string;
  /** Whether events are held against the ledger; so unless given where there is a `pin`. */
  readonly verify?: boolean;
  /** Mirrors to take the ledger's messages from, in place of the gateway's proof; several are compared. */
  readonly mirrors?: readonly string[];
  /** Whether tabs of the same user share one connection; so unless given, where the browser can. */
  readonly share?: boolean;
  /** The user's id, where no token tells it (a cookie). */
  readonly user?: string;
  readonly onConnection?: (state: Connection, reason: string) => void;
  /** How many publications are asked for at once when catching up. */
  readonly pageSize?: number;
  /** Merged into the options of the `centrifuge` client: delays, transports. */
  readonly centrifuge?: object;
}

export interface MirrorOptions extends CommonOptions {
  readonly source: "mirror";
  readonly mirrors: readonly string[];
  readonly network: string;
  readonly keys: readonly (GivenKey | GrantedKey)[];
  /** The topic of each campaign; or `topic` of `subscribe`. */
  readonly topics?: Readonly<Record<string, string>>;
  readonly pollMs?: { readonly shortest: number; readonly longest: number };
}

export type EventCallback = (event: BridgeEvent) => void;

const POLL_MS = { shortest: 2000, longest: 15_000 };
const PAGE_SIZE = 500;

export class BridgeClient {
  readonly #storage: Storage;
  readonly #pin: Bytes | null;
  #tokens = new Tokens();
  #link: Link | null = null;
  #subscriptions = new Set<Subscription>();
  #callbacks = new Map<string, Set<EventCallback>>();
  #pair: Promise<CryptoKeyPair> | null = null;
  #given: Promise<KeyTable> | null = null;
  #end = new AbortController();

  /** Throws TypeError for a pin that isn't a key, and where the page can't check anything. */
  constructor(private readonly options: GatewayOptions | MirrorOptions = {}) {
    this.#storage = options.storage ?? defaultStorage();
    this.#pin = options.pin === undefined ? null : unhex(options.pin);
    if (globalThis.crypto?.subtle === undefined && (this.#pin !== null || options.source === "mirror"))
      throw new TypeError("only a secure context can check and open: https, or localhost");
    if (this.#pin !== null && this.#pin.length !== 32) throw new TypeError("a pin is 32 bytes, as hexadecimal");
  }

  /**
   * Connect to the gateway with an access token, a function that gives one (asked again before it expires), or, with
   * neither, the page's cookie. With `source: "mirror"` there is nothing to connect to.
   */
  connect(token?: TokenSource): void {
    if (this.options.source === "mirror" || this.#link !== null) return;
    this.#tokens = new Tokens(token);
    this.#link = new LateLink(this.#connected(this.options));
  }

  /** Follow a channel: `campaign:<id>` or `user:<id>`. */
  subscribe(channel: ChannelName, options?: SubscribeOptions): Subscription;
  /** Hear of every event of this name (`*`: of all) in the channels that are followed, and in the user's own. */
  subscribe(event: string, callback: EventCallback): () => void;
  subscribe(name: string, then: SubscribeOptions | EventCallback = {}): Subscription | (() => void) {
    if (typeof then === "function") return this.#hear(name, then);
    if (!isChannel(name)) throw new TypeError("a channel is campaign:<id> or user:<id>");
    const { options } = this;
    const isMirror = options.source === "mirror";
    const subscription = isMirror ? this.#atMirror(name, then, options) : this.#atGateway(name, then, options);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** End all subscriptions, and the connection where no other tab has it. */
  close(): void {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#subscriptions.clear();
    this.#end.abort(new DOMException("closed", "AbortError"));
    this.#link?.close();
    this.#link = null;
  }

  #hear(name: string, callback: EventCallback): () => void {
    const callbacks = this.#callbacks.get(name) ?? new Set();
    this.#callbacks.set(name, callbacks.add(callback));
    if (this.options.source !== "mirror") void this.#followUser();
    return () => callbacks.delete(callback);
  }

  /** Once; where the user's id can't be told, the application follows the channel itself. */
  async #followUser(): Promise<void> {
    const id = await this.#user();
    const channel: ChannelName = `user:${id}`;
    if (id === null || this.#link === null || [...this.#subscriptions].some((each) => each.channel === channel)) return;
    this.subscribe(channel);
  }

  #device = (): Promise<CryptoKeyPair> => (this.#pair ??= deviceKeys());

  #tell = (event: BridgeEvent): void => {
    for (const name of [event.event, "*"])
      this.#callbacks.get(name)?.forEach((callback) => guarded(() => callback(event)));
  };

  async #connected(options: GatewayOptions): Promise<Link> {
    const { share = true, onConnection = () => undefined, centrifuge = {} } = options;
    const url = options.url ?? `${location.origin.replace(/^http/, "ws")}/connection/websocket`;
    const user = await this.#user();
    const token = await this.#tokens.current().catch(() => null); // without one the client asks, again and again
    const open = (connection: typeof onConnection) =>
      new OwnLink({ url, token: token ?? undefined, getToken: this.#tokens.next, centrifuge, connection });
    // never with a tab of another user, whose connection shows another's events
    const isShared = share && user !== null && canShare();
    return isShared ? new SharedLink(`hcs-bridge ${url} ${user}`, open, onConnection) : open(onConnection);
  }

  async #user(): Promise<string | null> {
    return (this.options as GatewayOptions).user ?? (await this.#tokens.user());
  }

  #atGateway(channel: ChannelName, subscribing: SubscribeOptions, options: GatewayOptions): Subscription {
    if (this.#link === null) throw new TypeError("connect first");
    const { api = location.origin, verify = this.#pin !== null, pageSize = PAGE_SIZE } = options;
    const campaignId = campaignOf(channel) ?? "";
    const grants = new Grants(api, campaignId, this.#device, this.#tokens.current, this.#end.signal);
    const shown = this.#shown(api, campaignId, options);
    const rules = { campaignId, pin: this.#pin, keys: grants, shown, newMessages: grants.newMessages };
    const isChecked = verify && campaignId !== ""; // a user's channel is fed by topics whose keys nobody is granted
    const checker = (progress: Progress | null, signal: AbortSignal) => new Checker(rules, progress, signal);
    const parts: ChannelParts = {
      link: this.#link,
      storage: this.#storage,
      storageKey: this.#keyOf(channel, api),
      pageSize,
      grants,
      checker: isChecked ? checker : null,
      all: this.#tell,
    };
    return new GatewayChannel(channel, parts, subscribing);
  }

  /** The gateway's proof; its mirrors in its place, once it has told which topic it is. */
  #shown(api: string, campaignId: string, { mirrors = [] }: GatewayOptions): ShownMessages {
    const proof = (from: number, to: number, signal: AbortSignal) =>
      fetchProof(api, campaignId, { from, to }, signal, this.#tokens.current);
    return async ({ after, to }, signal) => {
      const { network, topicId, messages } = await proof(after + 1, mirrors.length > 0 ? after + 1 : to, signal);
      const context = { network, topicId };
      if (mirrors.length === 0) return { context, messages };
      const raw = comparedMessages(mirrors.map((url) => mirrorMessages(url, topicId)));
      return { context, messages: await raw(after, signal) };
    };
  }

  #atMirror(channel: ChannelName, subscribing: SubscribeOptions, options: MirrorOptions): Subscription {
    const { mirrors, network, topics = {}, pollMs = POLL_MS } = options;
    const campaignId = campaignOf(channel);
    const topicId = campaignId === null ? undefined : (subscribing.topic ?? topics[campaignId]);
    if (campaignId === null || topicId === undefined) throw new TypeError("at a mirror: a campaign, and its topic");
    const rules = { context: { network, topicId }, campaignId, pin: this.#pin, keys: this.#keysGiven(options) };
    const raw = comparedMessages(mirrors.map((url) => mirrorMessages(url, topicId)));
    const storageKey = this.#keyOf(channel, `${network} ${topicId}`);
    const parts = { raw, rules, storage: this.#storage, storageKey, pollMs, all: this.#tell };
    return new MirrorChannel(channel, parts, subscribing);
  }

  #keysGiven({ keys, network }: MirrorOptions): KeyLookup {
    const opened = async ({ owner, kid, wrapped }: GrantedKey) => {
      const purpose = { name: "grant", network, owner } as const;
      return unwrap(await this.#device(), unbase64(wrapped), purpose, unhex(kid));
    };
    const filled = async () => {
      const table = new KeyTable();
      for (const each of keys) table.add(each.owner, await epochOf("key" in each ? unhex(each.key) : await opened(each)));
      return table;
    };
    const table = () => (this.#given ??= filled());
    return { epoch: async (kid) => (await table()).epoch(kid), user: async (kid) => (await table()).user(kid) };
  }

  #keyOf(channel: ChannelName, where: string): string {
    return `hcs-bridge ${where} ${channel}`;
  }
}
