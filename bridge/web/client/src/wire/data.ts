/** Event data with its names and values coded as small integers, and the exact way back. */

import { CborInvalid } from "../errors";
import { Float, type CborMap, type Item, type Key } from "./cbor";
import { EVENTS, FIELDS, VALUES, type Kind } from "./dictionary";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

const EVENT_NAMES = new Map(Object.entries(EVENTS).map(([name, code]) => [code, name]));
const FIELD_NAMES = new Map<Key, string>(Object.entries(FIELDS).map(([name, [code]]) => [code, name]));
const DECIMAL = /^(?:0|-?[1-9][0-9]{0,18})$/;
const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);

/** An event's name. Throws CborInvalid for an unknown code, and for a name that has a code. */
export function eventName(code: Item | undefined): string {
  if (typeof code === "string" && code !== "" && !Object.hasOwn(EVENTS, code)) return code;
  const name = typeof code === "number" ? EVENT_NAMES.get(code) : undefined;
  if (name === undefined) throw new CborInvalid("an event type that is neither a code of the dictionary nor a name");
  return name;
}

/** Throws CborInvalid for anything that no writer of this format would have written. */
export function decodeData(event: string, coded: Item | undefined): JsonObject {
  if (!(coded instanceof Map)) throw new CborInvalid("event data that is not a map");
  return Object.hasOwn(EVENTS, event) ? decodeMap(coded) : textKeys(coded);
}

function decodeMap(coded: CborMap): JsonObject {
  return objectOf(coded, (code, value) => {
    const name = typeof code === "string" ? code : FIELD_NAMES.get(code);
    if (name === undefined || (typeof code === "string" && Object.hasOwn(FIELDS, code)))
      throw new CborInvalid("a field that is neither a code of the dictionary nor a name without one");
    return [name, typeof code === "string" ? json(value) : decodeValue(name, FIELDS[name]![1], value)];
  });
}

/** In a decimal, enum or map field an integer, a text or a map is a coded value; an array of one holds any other. */
function decodeValue(name: string, kind: Kind, value: Item): Json {
  if (kind !== "map" && kind !== "decimal" && kind !== "enum") return json(value);
  if (Array.isArray(value)) return escaped(kind, value);
  if (kind === "map" && value instanceof Map) return decodeMap(value);
  if (kind !== "map" && typeof value === "string") return spelledOut(name, kind, value);
  if (kind === "decimal" && isInt64(value)) return String(value);
  const named = kind === "enum" && typeof value === "number" ? VALUES[name]![value - 1] : undefined;
  if (named === undefined) throw new CborInvalid(`${name} holds what no value of its kind is coded as`);
  return named;
}

function spelledOut(name: string, kind: Kind, value: string): string {
  const hasCode = kind === "enum" ? VALUES[name]!.includes(value) : DECIMAL.test(value) && isInt64(BigInt(value));
  if (hasCode) throw new CborInvalid(`${name} spelled out although it has a code`);
  return value;
}

function escaped(kind: Kind, value: Item[]): Json {
  const [only, ...others] = value;
  if (only === undefined || others.length > 0 || (kind === "map" ? only instanceof Map : typeof only === "string"))
    throw new CborInvalid("an array that is not one value of another type");
  return json(only);
}

function isInt64(value: Item): value is number | bigint {
  return typeof value === "number" || (typeof value === "bigint" && value >= MIN_INT64 && value <= MAX_INT64);
}

/** A value that stands for itself. An integer beyond 2^53 comes as near as a JavaScript number does, as from JSON. */
function json(value: Item): Json {
  if (value instanceof Map) return textKeys(value);
  if (Array.isArray(value)) return value.map(json);
  if (value instanceof Float) return value.value;
  if (typeof value === "bigint") return Number(value);
  if (value === null || typeof value !== "object") return value;
  throw new CborInvalid("event data of a type that JSON doesn't have");
}

function textKeys(coded: CborMap): JsonObject {
  return objectOf(coded, (name, value) => {
    if (typeof name !== "string") throw new CborInvalid("a code where only names stand");
    return [name, json(value)];
  });
}

/** Every name an own property, `__proto__` too. */
function objectOf(coded: CborMap, read: (key: Key, value: Item) => [string, Json]): JsonObject {
  return Object.fromEntries(Array.from(coded, ([key, value]) => read(key, value)));
}
