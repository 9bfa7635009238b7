/** Event data with its names and values coded as small integers, and the exact way back. */
import { type Item } from "./cbor";
export type Json = null | boolean | number | string | Json[] | {
    [name: string]: Json;
};
export type JsonObject = {
    [name: string]: Json;
};
/** An event's name. Throws CborInvalid for an unknown code, and for a name that has a code. */
export declare function eventName(code: Item | undefined): string;
/** Throws CborInvalid for anything that no writer of this format would have written. */
export declare function decodeData(event: string, coded: Item | undefined): JsonObject;
