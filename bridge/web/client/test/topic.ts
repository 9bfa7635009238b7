/** Makes topics for tests: a manifest and frames, sealed and signed, hashed as the network does. */

import { concat, hex, unhex, type Bytes } from "../src/wire/bytes";
import { encode, tagged, type Item } from "../src/wire/cbor";
import { kidOf } from "../src/wire/epochs";
import type { TopicMessage } from "../src/wire/messages";
import { HASH_BYTES, nextRunningHash, sha384 } from "../src/wire/runningHash";
import { vectors } from "./vectors";

export const CONTEXT = { network: "devnet", topicId: "0.0.7001" };
export const PUBLIC_KEY = unhex(vectors("manifest")[0].publicKey);
export const FIRST_KEY = unhex(vectors("manifest")[0].epochKey);
export const MANIFEST = unhex(vectors("manifest")[0].message);
const PKCS8 = "302e020100300506032b657004220420"; // an Ed25519 private key follows (RFC 8410)

let ids = 0;

/** An event's CBOR; its type is a declared one. */
export function event(message: string): Item {
  const id = unhex(`01a19ae4107b70008000${(ids += 1).toString(16).padStart(12, "0")}`);
  return new Map<number, Item>([[1, id], [2, "SAID"], [3, 1793600000123], [5, new Map([["message", message]])]]);
}

export function control(code: number, data: Map<number, Item>): Item {
  const id = unhex(`01a19ae4107b70008000${(ids += 1).toString(16).padStart(12, "0")}`);
  return new Map<number, Item>([[1, id], [2, code], [3, 1793600000123], [5, data]]);
}

export async function sign(covered: Bytes, secret = vectors("manifest")[0].signingKey): Promise<Bytes> {
  const key = await crypto.subtle.importKey("pkcs8", unhex(PKCS8 + secret), "Ed25519", false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("Ed25519", key, covered));
}

export async function frame(sequence: number, events: Item[], by: { key?: Bytes; secret?: string } = {}): Promise<Bytes> {
  const { key = FIRST_KEY, secret } = by;
  const { network, topicId } = CONTEXT;
  const header = encode(new Map<number, Item>([[1, 3], [4, await kidOf(key)], [-65537, sequence]]));
  const payload = encode(events);
  const signHeader = encode(new Map([[1, -8]]));
  const aad = encode(["hcs-bridge/1", network, topicId, header]);
  const signature = await sign(encode(["Signature1", signHeader, aad, payload]), secret);
  const plaintext = encode(tagged(18, [signHeader, new Map(), payload, signature]));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const seal = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const additionalData = encode(["Encrypt0", header, encode(["hcs-bridge/1", network, topicId])]);
  const padded = concat(plaintext, new Uint8Array(-plaintext.length & 31));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, seal, padded));
  return encode(tagged(16, [header, new Map([[5, iv]]), sealed]));
}

/** The messages that carry these contents; one that is a list comes as its chunks. */
export async function topic(...contents: (Bytes | Bytes[])[]): Promise<TopicMessage[]> {
  const messages: TopicMessage[] = [];
  let before = new Uint8Array(HASH_BYTES);
  for (const [at, content] of contents.entries()) {
    const chunks = Array.isArray(content) ? content : [content];
    for (const [index, message] of chunks.entries()) {
      const sequence = messages.length + 1;
      const chunk = { initial: `0.0.2@${at}.000000000`, payer: "0.0.2", number: index + 1, total: chunks.length };
      const made = {
        topicId: CONTEXT.topicId, sequence, consensusNs: 1_793_600_000_000_000_000n + BigInt(sequence), message,
        runningHash: before, runningHashVersion: 3, payer: "0.0.2", chunk: chunks.length > 1 ? chunk : null,
      };
      before = await nextRunningHash(before, made, await sha384(message));
      messages.push({ ...made, runningHash: before });
    }
  }
  return messages;
}

export async function kidText(key: Bytes): Promise<string> {
  return hex(await kidOf(key));
}
