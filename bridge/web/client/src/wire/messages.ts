/** A topic's raw messages as a mirror's REST shows them, every field checked. */

import { Unavailable } from "../errors";
import { unbase64, type Bytes } from "./bytes";

const NANOS = 1_000_000_000n;
const ENTITY = /^\d{1,19}\.\d{1,19}\.\d{1,19}$/;
const TIMESTAMP = /^(\d{1,10})\.(\d{9})$/;

/** Where a chunk belongs: `number` of `total`, from 1, of the message that the transaction `initial` began. */
export interface Chunk {
  readonly initial: string;
  readonly payer: string;
  readonly number: number;
  readonly total: number;
}

export interface TopicMessage {
  readonly topicId: string;
  readonly sequence: number;
  readonly consensusNs: bigint;
  readonly message: Bytes;
  readonly runningHash: Bytes;
  readonly runningHashVersion: number;
  readonly payer: string;
  readonly chunk: Chunk | null;
}

type Row = Record<string, unknown>;

/** The `messages` of an answer, in its order. Throws Unavailable for one that isn't a mirror's. */
export function parseMessages(answer: unknown): TopicMessage[] {
  try {
    const rows = object(answer).messages;
    if (!Array.isArray(rows)) throw new TypeError("messages is not a list");
    return rows.map((row) => parse(object(row)));
  } catch (error) {
    throw new Unavailable(`the answer is not a mirror's: ${(error as Error).message}`);
  }
}

/** `s.nnnnnnnnn`, as the mirror writes it. */
export function formatTimestamp(ns: bigint): string {
  return `${ns / NANOS}.${String(ns % NANOS).padStart(9, "0")}`;
}

function parse(row: Row): TopicMessage {
  return {
    topicId: matching(row, "topic_id", ENTITY),
    sequence: count(row, "sequence_number"),
    consensusNs: timestamp(row, "consensus_timestamp"),
    message: unbase64(matching(row, "message", /^/)),
    runningHash: unbase64(matching(row, "running_hash", /^/)),
    runningHashVersion: count(row, "running_hash_version"),
    payer: matching(row, "payer_account_id", ENTITY),
    chunk: row.chunk_info === null || row.chunk_info === undefined ? null : chunk(object(row.chunk_info)),
  };
}

function chunk(row: Row): Chunk {
  const initial = object(row.initial_transaction_id);
  const payer = matching(initial, "account_id", ENTITY);
  const began = `${payer}@${formatTimestamp(timestamp(initial, "transaction_valid_start"))}`;
  return { initial: began, payer, number: count(row, "number"), total: count(row, "total") };
}

function object(value: unknown): Row {
  if (typeof value !== "object" || value === null) throw new TypeError("not an object");
  return value as Row;
}

function matching(row: Row, name: string, pattern: RegExp): string {
  const value = row[name];
  if (typeof value !== "string" || !pattern.test(value)) throw new TypeError(`${name} is not what it should be`);
  return value;
}

function count(row: Row, name: string): number {
  const value = row[name];
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new TypeError(`${name} is not a count`);
  return value as number;
}

function timestamp(row: Row, name: string): bigint {
  const [, seconds, nanos] = TIMESTAMP.exec(matching(row, name, TIMESTAMP))!;
  return BigInt(seconds!) * NANOS + BigInt(nanos!);
}
