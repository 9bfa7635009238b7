/** One topic as it is read: checks each message, joins chunks, opens frames, and knows what may come next. */

import { Broken, KeyMissing, Refused } from "../errors";
import { base64, equal, hex, unhex, type Bytes } from "../wire/bytes";
import { encode } from "../wire/cbor";
import { channelEpoch } from "../wire/channels";
import { Assembler, CHUNK_LIMITS, type Whole } from "../wire/chunks";
import { SIGN1, verifyPlain } from "../wire/cose";
import type { KeyLookup } from "../wire/epochs";
import type { Control, LedgerEvent } from "../wire/events";
import { openFrame, type TopicContext } from "../wire/frame";
import { belongs, parseManifest } from "../wire/manifest";
import { formatTimestamp, type TopicMessage } from "../wire/messages";
import { HASH_BYTES, nextRunningHash, RUNNING_HASH_VERSION, sha384 } from "../wire/runningHash";

const MANIFEST_BEGINS = 0xc0 | SIGN1;

/** What a topic is read by: where it is, whose it must be, which key may be believed in it, and the keys at hand. */
export interface TopicRules {
  readonly context: TopicContext;
  readonly campaignId: string;
  /** The bridge's public key, had from elsewhere; null: nothing in the topic is better than unverified. */
  readonly pin: Bytes | null;
  readonly keys: KeyLookup;
  /** Told of each message that gave nothing, and why; `isSealed`: it is one of the bridge's, and no key for it is held. */
  readonly skipped?: (sequence: number, reason: string, isSealed: boolean) => void;
}

/** How far a topic has been read; plain values, so that it can be kept as JSON. Bytes are hexadecimal. */
export interface Progress {
  readonly sequence: number;
  readonly consensusNs: string;
  readonly runningHash: string;
  readonly epoch: string | null;
  /** What the manifest said; null before it. */
  readonly signed: boolean | null;
  readonly publicKey: string | null;
  /** The epoch in force. */
  readonly kid: string | null;
  /** Of the last frame that was taken; null where what came before is sealed under an epoch that isn't held. */
  readonly producerSequence: string | null;
  readonly closed: boolean;
  /** Messages so far that gave nothing. */
  readonly skipped: number;
}

export const START: Progress = {
  sequence: 0,
  consensusNs: "0",
  runningHash: "00".repeat(HASH_BYTES),
  epoch: null,
  signed: null,
  publicKey: null,
  kid: null,
  producerSequence: "0",
  closed: false,
  skipped: 0,
};

/** Where consensus put an event: the frame's last chunk, and the event's index in the frame. */
export interface Place {
  readonly topicId: string;
  readonly sequence: number;
  readonly index: number;
  readonly consensusTimestamp: string;
  readonly runningHash: string;
}

export interface Placed {
  readonly event: LedgerEvent;
  readonly place: Place;
}

export class TopicReader {
  #progress: Progress;
  #resume: Progress;
  #assembler = new Assembler(CHUNK_LIMITS);

  constructor(readonly rules: TopicRules, progress: Progress = START) {
    this.#progress = this.#resume = progress;
  }

  get progress(): Progress {
    return this.#progress;
  }

  /** Where another reader may begin: the last place at which no message waited for more chunks. */
  get resume(): Progress {
    return this.#resume;
  }

  /** Why what is read here isn't `verified`, though nothing speaks against it; null: it is. */
  get doubt(): string | null {
    if (this.rules.pin === null) return "no pinned key";
    return this.#progress.signed === false ? "frames of this topic are not signed" : null;
  }

  /**
   * The events of the messages that follow, in consensus order. A message that gives nothing is skipped and counted.
   * Throws Broken where the topic contradicts itself; this reader is spent then, and another begins at `resume`.
   */
  async *read(messages: readonly TopicMessage[]): AsyncGenerator<Placed> {
    const contents = await Promise.all(messages.map(({ message }) => sha384(message)));
    for (const [index, message] of messages.entries()) {
      await this.#verify(message, contents[index]!);
      const buried = this.#assembler.buried;
      const whole = this.#assembler.add(message);
      for (let lost = this.#assembler.buried - buried; lost > 0; lost -= 1)
        this.#skip(message.sequence, "a message of chunks was never finished");
      if (whole !== null) yield* await this.#open(whole);
      if (this.#assembler.idle) this.#resume = this.#progress;
    }
  }

  /** Take the message's place; it must continue the one before it. */
  async #verify(message: TopicMessage, content: Bytes): Promise<void> {
    const { topicId } = this.rules.context;
    const before = this.#progress;
    const { sequence } = message;
    if (message.topicId !== topicId || sequence !== before.sequence + 1)
      throw new Broken(before.sequence + 1, `in its place stands message ${sequence} of topic ${message.topicId}`);
    if (message.runningHashVersion !== RUNNING_HASH_VERSION)
      throw new Broken(sequence, `its running hash is of version ${message.runningHashVersion}`);
    if (message.consensusNs <= BigInt(before.consensusNs)) throw new Broken(sequence, "its consensus time goes back");
    const hash = await nextRunningHash(unhex(before.runningHash), message, content);
    if (!equal(hash, message.runningHash))
      throw new Broken(sequence, "its running hash does not follow from what is shown");
    const epoch = sequence === 1 ? channelEpoch(topicId, hash) : before.epoch;
    const consensusNs = String(message.consensusNs);
    this.#progress = { ...before, sequence, consensusNs, runningHash: hex(hash), epoch };
  }

  async #open(whole: Whole): Promise<Placed[]> {
    try {
      return whole.data[0] === MANIFEST_BEGINS ? await this.#believe(whole.data) : await this.#openFrame(whole);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.#skip(whole.last.sequence, error.message, error instanceof KeyMissing && this.#progress.producerSequence === null);
      return [];
    }
  }

  async #believe(message: Bytes): Promise<Placed[]> {
    if (this.#progress.kid !== null) throw new Refused("a second manifest");
    const { context, pin, keys, campaignId } = this.rules;
    const { kid, signed, publicKey, ...manifest } = await parseManifest(message, context, pin);
    const first = await keys.epoch(kid);
    if (first !== undefined) {
      const owned = await belongs({ kid, signed, publicKey, ...manifest }, first);
      if (owned.campaignId !== campaignId) throw new Refused(`a manifest of campaign ${owned.campaignId}`);
    }
    this.#progress = { ...this.#progress, kid, signed, publicKey: hex(publicKey) };
    return [];
  }

  async #openFrame(whole: Whole): Promise<Placed[]> {
    const { context, keys } = this.rules;
    const { kid, signed, publicKey, closed, producerSequence } = this.#progress;
    if (kid === null || signed === null || publicKey === null) throw new Refused("a frame before the manifest");
    const signedBy = signed ? unhex(publicKey) : null;
    const frame = await openFrame(whole.data, { context, keys, signed, publicKey: signedBy }).catch((error) => {
      // Not ours to open: what its sequence was isn't known, nor that of the first that will open.
      const isInForce = error instanceof KeyMissing && error.kid === kid;
      if (isInForce) this.#progress = { ...this.#progress, producerSequence: null };
      throw error;
    });
    this.#follows(frame.producerSequence, whole.last.sequence);
    const taken = { ...this.#progress, producerSequence: String(frame.producerSequence) };
    if (closed) {
      this.#progress = taken;
      throw new Refused("a frame behind the final message");
    }
    // Who was granted a later epoch alone adopts it: the rotation to it stood in a frame that doesn't open here.
    if (frame.kid !== kid && (producerSequence !== null || (await keys.epoch(kid)) !== undefined))
      throw new Refused("sealed under an epoch that is not in force");
    this.#progress = { ...taken, kid: frame.kid };
    const controls = frame.elements.filter((element) => element.kind === "control");
    for (const control of controls) await this.#obey(control, unhex(publicKey));
    return frame.elements.flatMap((event, index) =>
      event.kind === "event" ? [{ event, place: placeOf(whole.last, index) }] : [],
    );
  }

  #follows(got: bigint, sequence: number): void {
    if (this.#progress.producerSequence === null) return;
    const last = BigInt(this.#progress.producerSequence);
    if (got <= last) throw new Refused(`producer sequence ${got} came before`);
    if (got > last + 1n)
      throw new Broken(sequence, `frames are missing before it: producer sequence ${got}, expected ${last + 1n}`);
  }

  /** What a control message changes holds from the next frame on. */
  async #obey({ body }: Control, publicKey: Bytes): Promise<void> {
    if (body.name === "rotation") this.#progress = { ...this.#progress, kid: body.kid };
    if (body.name === "close") this.#progress = { ...this.#progress, closed: true };
    if (body.name !== "successor") return;
    const { network, topicId } = this.rules.context;
    const statement = encode(["hcs-bridge/1 successor", network, topicId, body.publicKey]);
    if (await verifyPlain(body.signature, statement, publicKey))
      this.#progress = { ...this.#progress, publicKey: hex(body.publicKey) };
    else this.#skip(this.#progress.sequence, "a successor that the key in force did not sign");
  }

  #skip(sequence: number, reason: string, isSealed = false): void {
    this.#progress = { ...this.#progress, skipped: this.#progress.skipped + 1 };
    this.rules.skipped?.(sequence, reason, isSealed);
  }
}

function placeOf(message: TopicMessage, index: number): Place {
  return {
    topicId: message.topicId,
    sequence: message.sequence,
    index,
    consensusTimestamp: formatTimestamp(message.consensusNs),
    runningHash: base64(message.runningHash),
  };
}
