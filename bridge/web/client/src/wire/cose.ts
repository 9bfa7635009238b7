/** COSE_Encrypt0 with A256GCM and COSE_Sign1 with Ed25519 (RFC 9052, RFC 9053): tag required, exact labels only. */

import { Refused, Unavailable } from "../errors";
import { equal, type Bytes } from "./bytes";
import { decode, encode, isTagged, type Item } from "./cbor";
import { exactly, sized } from "./fields";

const ENCRYPT0 = 16;
export const SIGN1 = 18;
const ALG = 1;
const KID = 4;
const IV = 5;
const PRODUCER_SEQUENCE = -65537;
const A256GCM = 3;
const EDDSA = -8;
export const KID_BYTES = 8;
const IV_BYTES = 12;
const GCM_TAG_BYTES = 16;
export const SIGNATURE_BYTES = 64;

const SIGN1_PROTECTED = encode(new Map([[ALG, EDDSA]]));

/** A COSE_Encrypt0 taken apart. Nothing in it is authentic until `unseal` returned. */
export interface Encrypt0 {
  readonly protected: Bytes;
  readonly kid: Bytes;
  readonly producerSequence: bigint;
  readonly iv: Bytes;
  readonly ciphertext: Bytes;
}

/** A COSE_Sign1 taken apart; `verify` says whether the payload is anyone's. */
export interface Sign1 {
  readonly payload: Bytes;
  readonly signature: Bytes;
}

/** Throws Refused or CborInvalid unless tag, labels, types and lengths are exactly the format's. */
export function parseEncrypt0(item: Item, { withProducerSequence = false } = {}): Encrypt0 {
  const [header, unprotected, ciphertext] = parts(item, ENCRYPT0, 3);
  const iv = sized(exactly(unprotected!, [IV], "the unprotected header").get(IV), IV_BYTES, "the IV");
  if (!(ciphertext instanceof Uint8Array) || ciphertext.length < GCM_TAG_BYTES)
    throw new Refused("the ciphertext is shorter than its tag");
  const labels = withProducerSequence ? [ALG, KID, PRODUCER_SEQUENCE] : [ALG, KID];
  const fields = exactly(decode(header), labels, "the protected header");
  if (fields.get(ALG) !== A256GCM) throw new Refused("sealed with another algorithm than A256GCM");
  const sequence = withProducerSequence ? fields.get(PRODUCER_SEQUENCE) : 0;
  if (typeof sequence !== "number" && typeof sequence !== "bigint")
    throw new Refused("the producer sequence is not an integer");
  if (withProducerSequence && sequence < 1) throw new Refused("the producer sequence is not from 1");
  const kid = sized(fields.get(KID), KID_BYTES, "the kid");
  return { protected: header, kid, producerSequence: BigInt(sequence), iv, ciphertext: ciphertext as Bytes };
}

/** The plaintext. Throws Refused. */
export async function unseal(sealed: Encrypt0, key: CryptoKey, externalAad: Bytes): Promise<Bytes> {
  const additionalData = encode(["Encrypt0", sealed.protected, externalAad]);
  try {
    return new Uint8Array(
      await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv, additionalData }, key, sealed.ciphertext),
    );
  } catch (error) {
    throw new Refused("the seal does not open: changed, or made for another place", { cause: error });
  }
}

/** Throws Refused or CborInvalid. */
export function parseSign1(item: Item): Sign1 {
  const [header, unprotected, payload, signature] = parts(item, SIGN1, 4);
  if (!equal(header, SIGN1_PROTECTED)) throw new Refused("the signature's header is not alg EdDSA alone");
  exactly(unprotected!, [], "the signature's unprotected header");
  if (!(payload instanceof Uint8Array)) throw new Refused("a signature without its payload");
  return { payload: payload as Bytes, signature: sized(signature, SIGNATURE_BYTES, "the signature") };
}

/** Throws Refused unless the signature is this key's, and made for this place. */
export async function verify(signed: Sign1, publicKey: Bytes, externalAad: Bytes): Promise<void> {
  const covered = encode(["Signature1", SIGN1_PROTECTED, externalAad, signed.payload]);
  if (!(await verifyPlain(signed.signature, covered, publicKey)))
    throw new Refused("the signature is not this key's, or was made for another place");
}

/** Whether a plain Ed25519 signature over `covered` is the key's. Throws Unavailable where it can't be told. */
export async function verifyPlain(signature: Bytes, covered: Bytes, publicKey: Bytes): Promise<boolean> {
  try {
    return await crypto.subtle.verify("Ed25519", await imported(publicKey), signature, covered);
  } catch (error) {
    if ((error as DOMException).name === "NotSupportedError") throw new Unavailable("this browser has no Ed25519");
    return false; // 32 bytes that are no point
  }
}

let lastImported: { readonly bytes: Bytes; readonly key: CryptoKey } | undefined; // one signs frame after frame

async function imported(bytes: Bytes): Promise<CryptoKey> {
  if (lastImported === undefined || !equal(lastImported.bytes, bytes))
    lastImported = { bytes, key: await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]) };
  return lastImported.key;
}

function parts(item: Item, tag: number, count: number): [Bytes, ...Item[]] {
  if (!isTagged(item) || item.tag !== tag) throw new Refused(`not an item with CBOR tag ${tag}`);
  const { value } = item;
  if (!Array.isArray(value) || value.length !== count) throw new Refused(`not an array of ${count}`);
  const [header, ...rest] = value;
  if (!(header instanceof Uint8Array)) throw new Refused("the protected header is not a byte string");
  return [header as Bytes, ...rest];
}
