/** Key epochs: a key, the id that it is known by on the ledger, and how a reader finds it. */

import { concat, equal, hex, utf8, type Bytes } from "./bytes";

/** A key in force from one frame on. Its bytes stay with the browser's cryptography and can't be read back. */
export interface Epoch {
  /** Hexadecimal. */
  readonly kid: string;
  readonly seal: CryptoKey;
  readonly mark: CryptoKey;
}

/** What a reader holds. A campaign's key never opens a user's event, nor the other way round: two name spaces. */
export interface KeyLookup {
  epoch(kid: string): Promise<Epoch | undefined>;
  user(kid: string): Promise<Epoch | undefined>;
}

/** Throws TypeError unless it is 32 bytes. */
export async function epochOf(key: Bytes): Promise<Epoch> {
  if (key.length !== 32) throw new TypeError(`a key has 32 bytes, not ${key.length}`);
  const [seal, mark] = await Promise.all([
    crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]),
    crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
  ]);
  return { kid: hex(await kidOf(key)), seal, mark };
}

export async function kidOf(key: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(utf8("hcs-bridge/1 kid"), key))).slice(0, 8);
}

/** Whether `ref` is how the holder of a topic's first epoch recognises the campaign's topic. */
export async function isRefOf(ref: Bytes, first: Epoch, campaignId: string): Promise<boolean> {
  const mark = await crypto.subtle.sign("HMAC", first.mark, utf8(`hcs-bridge/1 ref${campaignId}`));
  return equal(new Uint8Array(mark).slice(0, 16), ref);
}

/** Keys held in memory. */
export class KeyTable implements KeyLookup {
  #epochs = new Map<string, Epoch>();
  #users = new Map<string, Epoch>();

  /** `owner` is the name of the channel whose key it is: `campaign:<id>` or `user:<id>`. */
  add(owner: string, epoch: Epoch): void {
    (owner.startsWith("user:") ? this.#users : this.#epochs).set(epoch.kid, epoch);
  }

  async epoch(kid: string): Promise<Epoch | undefined> {
    return this.#epochs.get(kid);
  }

  async user(kid: string): Promise<Epoch | undefined> {
    return this.#users.get(kid);
  }
}
