/** The keys that this device was granted: asked for at the gateway, unwrapped here, and not readable afterwards. */

import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from "@hpke/core";
import { Denied, Refused } from "../errors";
import { fetchJson, pause, type Authorization } from "../http";
import { deviceKeys } from "../storage";
import { base64url, equal, unbase64, unhex, type Bytes } from "../wire/bytes";
import { encode } from "../wire/cbor";
import { epochOf, KeyTable, kidOf, type Epoch, type KeyLookup } from "../wire/epochs";
import { FORMAT } from "../wire/frame";

const ENCAPSULATED_BYTES = 32;
const SPACING_MS = 1000; // between two requests

/** What a wrapped key is for; bound into it, so that it opens for nothing else. */
export interface Purpose {
  readonly name: "grant" | "recovery";
  readonly network: string;
  readonly owner: string;
}

/** The public half of this device's key pair, as `GET /v1/campaigns/{id}/keys` takes it: what it answers opens here alone. */
export async function devicePublicKey(): Promise<string> {
  return publicText(await deviceKeys());
}

/** The key. Throws Refused: for another person, purpose, network, owner or kid. */
export async function unwrap(pair: CryptoKeyPair, wrapped: Bytes, purpose: Purpose, kid: Bytes): Promise<Bytes> {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
  const info = encode([FORMAT, purpose.name, purpose.network, purpose.owner, kid]);
  const enc = wrapped.slice(0, ENCAPSULATED_BYTES);
  let key: Bytes;
  try {
    key = new Uint8Array(await suite.open({ recipientKey: pair, enc, info }, wrapped.slice(ENCAPSULATED_BYTES)));
  } catch (error) {
    throw new Refused("the wrapped key does not open for this key and purpose", { cause: error });
  }
  // anyone can wrap anything to a public key
  if (!equal(await kidOf(key), kid)) throw new Refused("the wrapped key is not the one that its kid names");
  return key;
}

interface Granted {
  readonly network: string;
  readonly epochs: readonly { readonly owner: string; readonly kid: string; readonly wrapped: string }[];
}

/**
 * The keys of one campaign. What isn't held is asked after, once for all the messages that were there by then: a later
 * one may be under a key that is newer.
 */
export class Grants implements KeyLookup {
  #table = new KeyTable();
  #network: string | null = null;
  #isCurrent = false;
  #askedAt = -Infinity;
  #asking: Promise<void> | null = null;

  constructor(
    private readonly api: string,
    private readonly campaignId: string,
    private readonly device: () => Promise<CryptoKeyPair>,
    private readonly authorization: Authorization,
    private readonly signal: AbortSignal,
  ) {}

  /** The network that the keys are for; null where none were granted. */
  async network(): Promise<string | null> {
    if (this.#network === null) await this.#ask();
    return this.#network;
  }

  async epoch(kid: string): Promise<Epoch | undefined> {
    return (await this.#table.epoch(kid)) ?? (await this.#ask(), this.#table.epoch(kid));
  }

  async user(kid: string): Promise<Epoch | undefined> {
    return (await this.#table.user(kid)) ?? (await this.#ask(), this.#table.user(kid));
  }

  /** Messages came that may need keys which were not there before. */
  readonly newMessages = (): void => {
    this.#isCurrent = false;
  };

  async #ask(): Promise<void> {
    if (this.#isCurrent) return;
    this.#asking ??= this.#fetch().finally(() => (this.#asking = null));
    await this.#asking;
    this.#isCurrent = true;
  }

  /** Throws Unavailable. Whoever is not entitled holds no keys: that is no error. */
  async #fetch(): Promise<void> {
    await pause(Math.max(0, this.#askedAt + SPACING_MS - Date.now()), this.signal);
    this.#askedAt = Date.now();
    const pair = await this.device();
    const publicKey = await publicText(pair);
    const url = `${this.api}/v1/campaigns/${encodeURIComponent(this.campaignId)}/keys?publicKey=${publicKey}`;
    let granted: Granted;
    try {
      granted = (await fetchJson(url, this.signal, this.authorization)) as Granted;
    } catch (error) {
      if (error instanceof Denied) return;
      throw error;
    }
    this.#network = granted.network;
    for (const { owner, kid, wrapped } of granted.epochs) {
      const purpose: Purpose = { name: "grant", network: granted.network, owner };
      const key = await unwrap(pair, unbase64(wrapped), purpose, unhex(kid));
      this.#table.add(owner, await epochOf(key));
      key.fill(0);
    }
  }
}

async function publicText(pair: CryptoKeyPair): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)));
}
