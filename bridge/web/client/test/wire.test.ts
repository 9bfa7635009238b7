import assert from "node:assert/strict";
import { test } from "node:test";
import { CborInvalid, KeyMissing, Refused } from "../src/errors";
import { hex, unbase64, unhex, utf8 } from "../src/wire/bytes";
import { decode } from "../src/wire/cbor";
import { campaignOffset, channelEpoch, isChannel, sequenceAt } from "../src/wire/channels";
import { verifyPlain } from "../src/wire/cose";
import { EVENTS, FIELDS, VALUES } from "../src/wire/dictionary";
import { epochOf, isRefOf } from "../src/wire/epochs";
import { decodeElement } from "../src/wire/events";
import { openFrame } from "../src/wire/frame";
import { belongs, parseManifest } from "../src/wire/manifest";
import { parseMessages } from "../src/wire/messages";
import { HASH_BYTES, nextRunningHash, sha384 } from "../src/wire/runningHash";
import { keys, recorded, vectors } from "./vectors";

const CONTEXT = { network: "devnet", topicId: "0.0.7001" };

test("the dictionary is the published one", () => {
  const { events, fields, values } = vectors("dictionary");
  assert.deepEqual(EVENTS, events);
  const shown = Object.entries(FIELDS).map(([name, [code, kind]]) => [name, { code, kind }]);
  assert.deepEqual(Object.fromEntries(shown), fields);
  assert.deepEqual(VALUES, values);
});

test("keys are known by their kid, topics by their ref", async () => {
  for (const { key, kid, refOfCampaign1234 } of vectors("keys")) {
    const epoch = await epochOf(unhex(key));
    assert.equal(epoch.kid, kid);
    assert.equal(epoch.seal.extractable || epoch.mark.extractable, false);
    assert.ok(await isRefOf(unhex(refOfCampaign1234), epoch, "1234"));
    assert.ok(!(await isRefOf(unhex(refOfCampaign1234), epoch, "1235")));
  }
});

test("offsets, epochs, names", () => {
  const { offsets, epochs, names } = vectors("channels");
  for (const { sequence, index, offset } of offsets) {
    assert.equal(campaignOffset(sequence, index), offset);
    assert.equal(sequenceAt(offset), sequence);
  }
  for (const { topic, runningHashOfMessage1, epoch } of epochs)
    assert.equal(channelEpoch(topic, unhex(runningHashOfMessage1)), epoch);
  assert.ok(names.every(isChannel));
});

test("every event and control message", () => {
  for (const { cbor, ...shown } of vectors("events")) {
    const element = decodeElement(decode(unhex(cbor)), { sealedForUser: typeof shown.audience === "string" });
    if (element.kind === "event") assert.deepEqual(eventShown(element), shown);
    else {
      assert.equal(element.body.name, shown.control.toLowerCase());
      assert.deepEqual([element.id, element.timeMs], [shown.id, shown.timeMs]);
    }
  }
});

test("frames open, and only with their keys, in their place, with their signature", async () => {
  for (const vector of vectors("frames").opens) {
    const { network, topic: topicId, signed, publicKey, epochKey, userKeys } = vector;
    const held = await keys([epochKey], Object.values(userKeys));
    const opening = { context: { network, topicId }, keys: held, signed, publicKey: publicKey && unhex(publicKey) };
    const opened = await openFrame(unhex(vector.frame), opening);
    assert.equal(opened.producerSequence, BigInt(vector.producerSequence));
    assert.deepEqual(opened.elements.map((each) => (each.kind === "event" ? eventShown(each) : each)), vector.events);
    const unread = await openFrame(unhex(vector.frame), { ...opening, signed: undefined, publicKey: null });
    assert.deepEqual(unread, opened);
    const withoutUsers = await openFrame(unhex(vector.frame), { ...opening, keys: await keys([epochKey]) });
    assert.deepEqual(
      withoutUsers.elements.map((each) => each.kind),
      vector.events.map((event: { audience: string | null }) => (event.audience === null ? "event" : "sealed")),
    );
    await assert.rejects(openFrame(unhex(vector.frame), { ...opening, keys: await keys([]) }), KeyMissing);
    await assert.rejects(
      openFrame(unhex(vector.frame), { ...opening, context: { network, topicId: "0.0.7002" } }), Refused,
    );
    const another = { ...opening, publicKey: new Uint8Array(32) };
    if (signed) await assert.rejects(openFrame(unhex(vector.frame), another), Refused);
  }
});

test("faulty frames are refused, each for its fault", async () => {
  const { opens, refused } = vectors("frames");
  const { publicKey, epochKey, userKeys } = opens[1];
  const held = await keys([epochKey], Object.values(userKeys));
  for (const { name, signed, frame } of refused) {
    const opening = { context: CONTEXT, keys: held, signed, publicKey: signed ? unhex(publicKey) : null };
    await assert.rejects(openFrame(unhex(frame), opening), Refused, name);
  }
  assert.equal(refused.length, 14);
});

test("no bit of a frame can be flipped", async () => {
  const { frame, epochKey, publicKey } = vectors("frames").opens[2];
  const opening = { context: CONTEXT, keys: await keys([epochKey]), signed: true, publicKey: unhex(publicKey) };
  await openFrame(unhex(frame), opening);
  for (let bit = 0; bit < frame.length * 4; bit += 1) {
    const changed = unhex(frame);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    await assert.rejects(openFrame(changed, opening), Refused);
  }
});

test("manifests", async () => {
  for (const vector of vectors("manifest")) {
    const { network, topic: topicId } = vector;
    const message = unhex(vector.message);
    const manifest = await parseManifest(message, { network, topicId }, unhex(vector.publicKey));
    assert.deepEqual(manifest, await parseManifest(message, { network, topicId }, null));
    assert.deepEqual(
      [hex(manifest.ref), manifest.signed, manifest.wrapped && hex(manifest.wrapped)],
      [vector.ref, vector.signed, vector.wrapped],
    );
    const { campaignId, ownerId } = await belongs(manifest, await epochOf(unhex(vector.epochKey)));
    assert.deepEqual([campaignId, ownerId], [vector.campaignId, vector.ownerId]);
    await assert.rejects(belongs(manifest, await epochOf(new Uint8Array(32))), Refused);
    for (const [context, pin] of [
      [{ network: "mainnet", topicId }, null],
      [{ network, topicId: "0.0.7002" }, null],
      [{ network, topicId }, new Uint8Array(32)],
    ] as const)
      await assert.rejects(parseManifest(message, context, pin), Refused);
    for (let byte = 0; byte < message.length; byte += 1) {
      const changed = message.slice();
      changed[byte]! ^= 1;
      await assert.rejects(parseManifest(changed, { network, topicId }, null), Refused);
    }
  }
});

test("a plain signature, and a key that is no point", async () => {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const { publicKey, privateKey } = pair as CryptoKeyPair;
  const covered = utf8("statement");
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, covered));
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  assert.deepEqual(
    [await verifyPlain(signature, covered, raw), await verifyPlain(signature, utf8("other"), raw)], [true, false],
  );
  assert.equal(await verifyPlain(signature, covered, new Uint8Array(32).fill(255)), false);
});

test("a control message isn't shown, an unknown one refused", () => {
  const rotation = vectors("events").find((each: { code?: number }) => each.code === 200).cbor;
  assert.throws(() => decodeElement(decode(unhex(rotation)), { sealedForUser: true }), CborInvalid);
  const unknown = unhex(rotation.replace("0218c8", "0218d0"));
  assert.throws(() => decodeElement(decode(unknown), { sealedForUser: false }), CborInvalid);
});

for (const name of ["vector", "testnet-0.0.4603900", "topic-0.0.1926"])
  test(`the running hash of ${name}`, async (t) => {
    const answer = recorded(`running-hash/${name}.json`);
    if (answer === null) return t.skip("the recorded file is not beside this checkout");
    let hash = new Uint8Array(HASH_BYTES);
    for (const message of parseMessages(answer)) {
      hash = await nextRunningHash(hash, message, await sha384(message.message));
      assert.deepEqual(hash, message.runningHash);
    }
  });

test("the running hash of a first message", async () => {
  const message = {
    topicId: "0.0.1001", sequence: 1, consensusNs: 1_700_000_000_000_000_001n, message: utf8("hello"),
    runningHash: new Uint8Array(), runningHashVersion: 3, payer: "0.0.2", chunk: null,
  };
  const hash = await nextRunningHash(new Uint8Array(HASH_BYTES), message, await sha384(message.message));
  assert.deepEqual(hash, unbase64("NzmXRlU3fqdnFtfgc5r1wmBDR6YXj55/jiZojYS5Sti6jivqbKYG43EHp+Wwu0Ev"));
});

function eventShown(event: { id: string; name: string; timeMs: number; audience: string | null; data: object }) {
  return { id: event.id, type: event.name, timeMs: event.timeMs, audience: event.audience, data: event.data };
}
