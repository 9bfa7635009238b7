/** Frames: events signed, sealed and padded into one HCS message; here the strict way back (docs/wire-format.md). */

import { CborInvalid, KeyMissing, Refused } from "../errors";
import { hex, type Bytes } from "./bytes";
import { decode, decodeFirst, encode, isTagged, type Item } from "./cbor";
import { parseEncrypt0, parseSign1, SIGN1, unseal, verify, type Encrypt0 } from "./cose";
import type { KeyLookup } from "./epochs";
import { decodeElement, type Element } from "./events";

export const FORMAT = "hcs-bridge/1";
const EVENTS_PER_FRAME = 1000;

/** What every seal in a topic is bound to. */
export interface TopicContext {
  readonly network: string;
  readonly topicId: string;
}

/** An event's index is its place in `elements`, placeholders and control messages counted. */
export interface OpenedFrame {
  readonly producerSequence: bigint;
  readonly kid: string;
  readonly elements: readonly Element[];
}

export interface Opening {
  readonly context: TopicContext;
  readonly keys: KeyLookup;
  /** What the manifest says of frames; undefined where it wasn't read, and nothing is vouched for. */
  readonly signed: boolean | undefined;
  /** The key that must have signed; null where nobody asks. */
  readonly publicKey: Bytes | null;
}

/** Throws KeyMissing, or Refused for anything that no writer of this format would have written here. */
export async function openFrame(frame: Bytes, opening: Opening): Promise<OpenedFrame> {
  try {
    return await open(frame, opening);
  } catch (error) {
    if (error instanceof CborInvalid) throw new Refused(`not this format's CBOR: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Binds a seal to one topic of one network. */
export function topicAad({ network, topicId }: TopicContext): Bytes {
  return encode([FORMAT, network, topicId]);
}

async function open(frame: Bytes, opening: Opening): Promise<OpenedFrame> {
  const { context, keys } = opening;
  const outer = parseEncrypt0(decode(frame), { withProducerSequence: true });
  const kid = hex(outer.kid);
  const epoch = await keys.epoch(kid);
  if (epoch === undefined) throw new KeyMissing(kid);
  const content = await unpacked(await unseal(outer, epoch.seal, topicAad(context)), outer, opening);
  if (!Array.isArray(content) || content.length < 1 || content.length > EVENTS_PER_FRAME)
    throw new Refused(`not a list of 1 to ${EVENTS_PER_FRAME} events`);
  const { producerSequence } = outer;
  const elements: Element[] = [];
  for (const [index, item] of content.entries())
    elements.push(await openElement(item, [context.network, context.topicId, producerSequence, index], keys));
  return { producerSequence, kid, elements };
}

/** The events in a plaintext, their signature and the padding checked. */
async function unpacked(plaintext: Bytes, outer: Encrypt0, opening: Opening): Promise<Item> {
  const { item, length } = decodeFirst(plaintext);
  if (plaintext.subarray(length).some((byte) => byte !== 0))
    throw new Refused("something other than padding follows the content");
  const signed = opening.signed ?? (isTagged(item) && item.tag === SIGN1);
  if (!signed) return item;
  const sign1 = parseSign1(item);
  const { network, topicId } = opening.context;
  if (opening.publicKey !== null)
    await verify(sign1, opening.publicKey, encode([FORMAT, network, topicId, outer.protected]));
  return decode(sign1.payload);
}

async function openElement(item: Item, place: Item[], keys: KeyLookup): Promise<Element> {
  if (!isTagged(item)) return decodeElement(item, { sealedForUser: false });
  const inner = parseEncrypt0(item);
  const kid = hex(inner.kid);
  const epoch = await keys.user(kid);
  if (epoch === undefined) return { kind: "sealed", kid };
  const plaintext = await unseal(inner, epoch.seal, encode([FORMAT, ...place]));
  return decodeElement(decode(plaintext), { sealedForUser: true });
}
