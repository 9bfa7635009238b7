/**
 * Deterministic CBOR (RFC 8949 section 4.2, map keys length first as in 4.2.3), in the few types of the format.
 *
 * What decodes here encodes to the very same bytes: that is the check, so nothing has two spellings.
 */
import type { Bytes } from "./bytes";
/** A floating point number. One that is integral stays one, so it can't be a JavaScript number. */
export declare class Float {
    readonly value: number;
    constructor(value: number);
}
export type Key = number | bigint | string;
export type CborMap = Map<Key, Item>;
export type Item = null | boolean | number | bigint | Float | string | Uint8Array | Item[] | CborMap | TaggedItem;
export interface TaggedItem {
    readonly tag: number;
    readonly value: Item;
}
export declare function tagged(tag: number, value: Item): TaggedItem;
export declare function isTagged(item: Item): item is TaggedItem;
/** The one encoding of `item`. Throws CborInvalid for what could not be read back. */
export declare function encode(item: Item): Bytes;
/** The one item that `data` is, with nothing behind it. Throws CborInvalid. */
export declare function decode(data: Uint8Array): Item;
/** The first item of `data`, and its length in bytes. Throws CborInvalid. */
export declare function decodeFirst(data: Uint8Array): {
    item: Item;
    length: number;
};
