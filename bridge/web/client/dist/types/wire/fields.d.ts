/** Taking a decoded item apart: what isn't exactly as it should be is refused. */
import type { Bytes } from "./bytes";
import type { CborMap, Item, Key } from "./cbor";
/** The map, if it has exactly these labels. */
export declare function exactly(item: Item, labels: readonly Key[], what: string): CborMap;
export declare function sized(item: Item | undefined, length: number, what: string): Bytes;
export declare function text(item: Item | undefined, what: string): string;
