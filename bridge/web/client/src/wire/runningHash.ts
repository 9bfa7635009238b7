/** The running hash of a topic, version 3: over what a Java ObjectOutputStream of the consensus node wrote. */

import { concat, unhex, type Bytes } from "./bytes";
import type { TopicMessage } from "./messages";

export const RUNNING_HASH_VERSION = 3;
export const HASH_BYTES = 48;
const NANOS = 1_000_000_000n;

// Stream header, then a byte[] class descriptor and the array's length; a block of 0x4c raw bytes: the version, six
// longs of ids, seconds, nanos (an int), sequence number; a second byte[], whose class refers back to the first.
const BYTE_ARRAY = unhex("aced0005757200025b42acf317f8060854e0020000787000000030");
const BLOCK = unhex("774c");
const BYTE_ARRAY_AGAIN = unhex("7571007e000000000030");
const FIELDS_BYTES = 76;

/** The 48 bytes behind `message`, given the 48 bytes before it and SHA-384 of its content. */
export async function nextRunningHash(previous: Bytes, message: TopicMessage, contentHash: Bytes): Promise<Bytes> {
  return sha384(concat(BYTE_ARRAY, previous, BLOCK, fields(message), BYTE_ARRAY_AGAIN, contentHash));
}

export async function sha384(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-384", bytes));
}

function fields(message: TopicMessage): Bytes {
  const view = new DataView(new ArrayBuffer(FIELDS_BYTES));
  const ids = [...message.payer.split("."), ...message.topicId.split(".")].map(BigInt);
  [BigInt(RUNNING_HASH_VERSION), ...ids, message.consensusNs / NANOS].forEach((long, at) =>
    view.setBigInt64(8 * at, long),
  );
  view.setInt32(64, Number(message.consensusNs % NANOS));
  view.setBigInt64(68, BigInt(message.sequence));
  return new Uint8Array(view.buffer);
}
