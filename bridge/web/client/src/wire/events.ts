/** The elements of a frame: events, and the bridge's own control messages. */

import { CborInvalid } from "../errors";
import { hex, type Bytes } from "./bytes";
import type { CborMap, Item } from "./cbor";
import { isUserId } from "./channels";
import { KID_BYTES, SIGNATURE_BYTES } from "./cose";
import { decodeData, eventName, type JsonObject } from "./data";
import { exactly, sized, text } from "./fields";

const [ID, TYPE, TIME, AUDIENCE, DATA] = [1, 2, 3, 4, 5];
const FIRST_CONTROL_CODE = 200;
const MAX_TIME_MS = 253_402_300_799_999;
const MAX_KIDS = 1000;
const KEY_BYTES = 32;

/** One event. `id` is a UUIDv7 as text; `audience` a user's id, null for everyone on the campaign. */
export interface LedgerEvent {
  readonly kind: "event";
  readonly id: string;
  readonly name: string;
  readonly timeMs: number;
  readonly audience: string | null;
  readonly data: JsonObject;
}

export type ControlBody =
  | { readonly name: "rotation"; readonly kid: string; readonly wrapped: Bytes | null }
  | { readonly name: "successor"; readonly publicKey: Bytes; readonly signature: Bytes }
  | { readonly name: "close" }
  | { readonly name: "shredded"; readonly kids: readonly string[] };

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
export function decodeElement(coded: Item, { sealedForUser }: { sealedForUser: boolean }): LedgerEvent | Control {
  const labels = [ID!, TYPE!, TIME!, DATA!, ...(sealedForUser ? [AUDIENCE!] : [])];
  const fields = exactly(coded, labels, "an event");
  const [id, timeMs, code] = [eventId(fields), time(fields), fields.get(TYPE!)];
  if (typeof code === "number" && code >= FIRST_CONTROL_CODE) {
    if (sealedForUser) throw new CborInvalid("a control message inside a user's seal");
    return { kind: "control", id, timeMs, body: decodeControl(code, fields.get(DATA!)!) };
  }
  const name = eventName(code);
  const audience = sealedForUser ? userId(fields) : null;
  return { kind: "event", id, name, timeMs, audience, data: decodeData(name, fields.get(DATA!)) };
}

function decodeControl(code: number, data: Item): ControlBody {
  switch (code) {
    case 200: {
      const fields = exactly(data, [1, 2], "a rotation");
      const wrapped = fields.get(2)!;
      if (wrapped !== null && !(wrapped instanceof Uint8Array))
        throw new CborInvalid("a wrapped key that is not bytes");
      return { name: "rotation", kid: kid(fields.get(1)), wrapped: wrapped as Bytes | null };
    }
    case 201: {
      const fields = exactly(data, [1, 2], "a successor");
      return {
        name: "successor",
        publicKey: sized(fields.get(1), KEY_BYTES, "a successor's key"),
        signature: sized(fields.get(2), SIGNATURE_BYTES, "a successor's signature"),
      };
    }
    case 202:
      exactly(data, [], "a close");
      return { name: "close" };
    case 203: {
      const kids = exactly(data, [1], "shredded kids").get(1)!;
      if (!Array.isArray(kids) || kids.length < 1 || kids.length > MAX_KIDS)
        throw new CborInvalid("shredded kids that are not a list of some");
      return { name: "shredded", kids: kids.map(kid) };
    }
  }
  throw new CborInvalid("a control code that this version does not know");
}

function kid(item: Item | undefined): string {
  return hex(sized(item, KID_BYTES, "a kid"));
}

function eventId(fields: CborMap): string {
  const id = sized(fields.get(ID!), 16, "an event id");
  if (id[6]! >> 4 !== 7 || id[8]! >> 6 !== 0b10) throw new CborInvalid("an event id that is not a UUIDv7");
  return hex(id).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function time(fields: CborMap): number {
  const timeMs = fields.get(TIME!);
  if (typeof timeMs !== "number" || timeMs < 0 || timeMs > MAX_TIME_MS)
    throw new CborInvalid("an event time that is not milliseconds of these millennia");
  return timeMs;
}

function userId(fields: CborMap): string {
  const audience = text(fields.get(AUDIENCE!), "an audience");
  if (!isUserId(audience)) throw new CborInvalid("an audience that is not a user's id");
  return audience;
}
