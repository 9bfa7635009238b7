/** Puts messages that were cut into chunks together again. Fed with every message of a topic, checked, in order. */

import { concat, type Bytes } from "./bytes";
import type { TopicMessage } from "./messages";

const CHUNK_OVERHEAD_BYTES = 200; // of a chunk kept, so that very many very small ones are bounded too

export interface ChunkLimits {
  readonly maxOpenBytes: number;
  readonly expireSequences: number;
  readonly expireNs: bigint;
}

export const CHUNK_LIMITS: ChunkLimits = {
  maxOpenBytes: 4_194_304,
  expireSequences: 1000,
  expireNs: 600_000_000_000n,
};

/** A complete message. `last` is its last chunk in consensus order. */
export interface Whole {
  readonly data: Bytes;
  readonly firstSequence: number;
  readonly last: TopicMessage;
}

interface Unfinished {
  readonly first: TopicMessage;
  readonly total: number;
  readonly chunks: Map<number, Bytes>;
}

/**
 * An unfinished message expires when it is old by consensus time and far back by sequence number; where there is no
 * room for more, the payer who holds most of it loses the oldest: who floods a topic buries its own.
 */
export class Assembler {
  #open = new Map<string, Unfinished>(); // oldest first
  /** Messages that were never finished, as far as they are given up. */
  buried = 0;

  constructor(private readonly limits: ChunkLimits = CHUNK_LIMITS) {}

  /** Whether no message waits for more chunks. */
  get idle(): boolean {
    return this.#open.size === 0;
  }

  /** Take the next message; the one that it completes comes back. */
  add(message: TopicMessage): Whole | null {
    this.#expire(message);
    const { chunk } = message;
    if (chunk === null || (chunk.number === 1 && chunk.total === 1))
      return { data: message.message, firstSequence: message.sequence, last: message };
    if (chunk.number < 1 || chunk.number > chunk.total) return null;
    // the running hash covers the payer, and not the chunk info: nobody adds to another's message
    const key = `${message.payer} ${chunk.initial}`;
    const entry = this.#open.get(key) ?? this.#begin(key, message, chunk.total);
    if (entry === null || entry.total !== chunk.total || entry.chunks.has(chunk.number)) return null;
    entry.chunks.set(chunk.number, message.message);
    if (entry.chunks.size === entry.total) {
      this.#open.delete(key);
      const inOrder = Array.from({ length: entry.total }, (_, at) => entry.chunks.get(at + 1)!);
      return { data: concat(...inOrder), firstSequence: entry.first.sequence, last: message };
    }
    this.#makeRoom();
    return null;
  }

  #begin(key: string, first: TopicMessage, total: number): Unfinished | null {
    if (total * (1 + CHUNK_OVERHEAD_BYTES) > this.limits.maxOpenBytes) {
      this.buried += 1;
      return null;
    }
    const entry = { first, total, chunks: new Map<number, Bytes>() };
    this.#open.set(key, entry);
    return entry;
  }

  #expire(newest: TopicMessage): void {
    for (const [key, { first }] of this.#open) {
      const isYoung = newest.consensusNs - first.consensusNs <= this.limits.expireNs;
      if (isYoung || newest.sequence - first.sequence <= this.limits.expireSequences) return;
      this.#bury(key);
    }
  }

  #makeRoom(): void {
    for (;;) {
      const held = new Map<string, number>();
      for (const { first, chunks } of this.#open.values())
        held.set(first.payer, (held.get(first.payer) ?? 0) + size(chunks));
      const all = [...held.values()];
      if (all.reduce((sum, bytes) => sum + bytes, 0) <= this.limits.maxOpenBytes) return;
      const most = Math.max(...all);
      const [key] = [...this.#open].find(([, { first }]) => held.get(first.payer) === most)!;
      this.#bury(key);
    }
  }

  #bury(key: string): void {
    this.#open.delete(key);
    this.buried += 1;
  }
}

function size(chunks: Map<number, Bytes>): number {
  let bytes = 0;
  for (const chunk of chunks.values()) bytes += chunk.length + CHUNK_OVERHEAD_BYTES;
  return bytes;
}
