/**
 * Deterministic CBOR (RFC 8949 section 4.2, map keys length first as in 4.2.3), in the few types of the format.
 *
 * What decodes here encodes to the very same bytes: that is the check, so nothing has two spellings.
 */

import { decodeFirst as decodeLoosely, encode as encodeAny, Tagged, Token, Tokenizer, Type } from "cborg";
import type { DecodeOptions, EncodeOptions } from "cborg";
import { CborInvalid } from "../errors";
import type { Bytes } from "./bytes";

/** A floating point number. One that is integral stays one, so it can't be a JavaScript number. */
export class Float {
  constructor(readonly value: number) {}
}

export type Key = number | bigint | string;
export type CborMap = Map<Key, Item>;
export type Item = null | boolean | number | bigint | Float | string | Uint8Array | Item[] | CborMap | TaggedItem;

export interface TaggedItem {
  readonly tag: number;
  readonly value: Item;
}


const MAX_DEPTH = 24;
const MAX_INT = 2n ** 64n - 1n;
const MIN_INT = -(2n ** 64n);

class FloatsApart extends Tokenizer {
  override next(): Token {
    const token = super.next();
    return Type.equals(token.type, Type.float)
      ? new Token(token.type, new Float(token.value), token.encodedLength)
      : token;
  }
}

const DECODING: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowBigInt: true,
  useMaps: true,
  rejectDuplicateMapKeys: true,
  tags: Tagged.preserve(16, 18),
};

const ENCODING: EncodeOptions = {
  mapSorter: () => 0, // as they stand; `check` has seen that they stand in order
  typeEncoders: {
    Object: (value: unknown) => {
      if (value instanceof Float) return new Token(Type.float, value.value);
      throw new CborInvalid("an object has no place in this format");
    },
  },
};

export function tagged(tag: number, value: Item): TaggedItem {
  return new Tagged(tag, value);
}

export function isTagged(item: Item): item is TaggedItem {
  return item instanceof Tagged;
}

/** The one encoding of `item`. Throws CborInvalid for what could not be read back. */
export function encode(item: Item): Bytes {
  check(item, MAX_DEPTH);
  return encodeAny(item, ENCODING);
}

/** The one item that `data` is, with nothing behind it. Throws CborInvalid. */
export function decode(data: Uint8Array): Item {
  const { item, length } = decodeFirst(data);
  if (length !== data.length) throw new CborInvalid("bytes follow the item");
  return item;
}

/** The first item of `data`, and its length in bytes. Throws CborInvalid. */
export function decodeFirst(data: Uint8Array): { item: Item; length: number } {
  let item: Item;
  try {
    [item] = decodeLoosely(data, { ...DECODING, tokenizer: new FloatsApart(data, DECODING) });
  } catch (error) {
    throw new CborInvalid("not well-formed, or of a type that has no place here", { cause: error });
  }
  const again = encode(item);
  if (!again.every((byte, at) => byte === data[at])) throw new CborInvalid("not the deterministic encoding");
  return { item, length: again.length };
}

/** Only the types of this format, to a bounded depth. */
function check(item: Item, depth: number): void {
  switch (typeof item) {
    case "string":
      if (!item.isWellFormed()) throw new CborInvalid("a lone surrogate");
      return;
    case "boolean":
      return;
    case "number":
      if (!Number.isSafeInteger(item)) throw new CborInvalid("a number that is no integer stands as Float");
      return;
    case "bigint":
      if (item < MIN_INT || item > MAX_INT) throw new CborInvalid("an integer beyond 64 bits");
      return;
  }
  if (item === null || item instanceof Uint8Array) return;
  if (item instanceof Float) {
    if (!Number.isFinite(item.value)) throw new CborInvalid("a number that is not finite");
    return;
  }
  if (depth === 0) throw new CborInvalid("nested too deeply");
  for (const inside of contents(item)) check(inside, depth - 1);
}

function contents(item: Item[] | CborMap | TaggedItem): Iterable<Item> {
  if (Array.isArray(item)) return item;
  if (isTagged(item)) return [item.value];
  let before: Bytes | undefined;
  for (const key of item.keys()) {
    if (!["number", "bigint", "string"].includes(typeof key))
      throw new CborInvalid("a map key that is neither integer nor text");
    check(key, 0);
    const coded = encodeAny(key);
    if (before !== undefined && lengthFirst(before, coded) >= 0) throw new CborInvalid("map keys out of order");
    before = coded;
  }
  return item.values();
}

function lengthFirst(one: Bytes, other: Bytes): number {
  if (one.length !== other.length) return one.length - other.length;
  const at = one.findIndex((byte, index) => byte !== other[index]);
  return at < 0 ? 0 : one[at]! - other[at]!;
}
