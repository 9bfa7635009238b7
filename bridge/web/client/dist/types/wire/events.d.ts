/** The elements of a frame: events, and the bridge's own control messages. */
import { type Bytes } from "./bytes";
import type { Item } from "./cbor";
import { type JsonObject } from "./data";
/** One event. `id` is a UUIDv7 as text; `audience` a user's id, null for everyone on the campaign. */
export interface LedgerEvent {
    readonly kind: "event";
    readonly id: string;
    readonly name: string;
    readonly timeMs: number;
    readonly audience: string | null;
    readonly data: JsonObject;
}
export type ControlBody = {
    readonly name: "rotation";
    readonly kid: string;
    readonly wrapped: Bytes | null;
} | {
    readonly name: "successor";
    readonly publicKey: Bytes;
    readonly signature: Bytes;
} | {
    readonly name: "close";
} | {
    readonly name: "shredded";
    readonly kids: readonly string[];
};
/** Stands in a frame like an event, and is never shown as one. */
export interface Control {
    readonly kind: "control";
    readonly id: string;
    readonly timeMs: number;
    readonly body: ControlBody;
}
/** Stands where an event for a user is whose key isn't held here. Not an error. */
export interface SealedForUser {
    readonly kind: "sealed";
    readonly kid: string;
}
export type Element = LedgerEvent | Control | SealedForUser;
/** Throws CborInvalid. An event for a user is only ever found inside that user's seal, and only such an event is. */
export declare function decodeElement(coded: Item, { sealedForUser }: {
    sealedForUser: boolean;
}): LedgerEvent | Control;
