/** Taking a decoded item apart: what isn't exactly as it should be is refused. */

import { CborInvalid } from "../errors";
import type { Bytes } from "./bytes";
import type { CborMap, Item, Key } from "./cbor";

/** The map, if it has exactly these labels. */
export function exactly(item: Item, labels: readonly Key[], what: string): CborMap {
  if (!(item instanceof Map) || item.size !== labels.length || !labels.every((label) => item.has(label)))
    throw new CborInvalid(`${what} without exactly its labels`);
  return item;
}

export function sized(item: Item | undefined, length: number, what: string): Bytes {
  if (!(item instanceof Uint8Array) || item.length !== length) throw new CborInvalid(`${what} is not ${length} bytes`);
  return item as Bytes;
}

export function text(item: Item | undefined, what: string): string {
  if (typeof item !== "string") throw new CborInvalid(`${what} is not text`);
  return item;
}
