import assert from "node:assert/strict";
import { test } from "node:test";
import { Broken } from "../src/errors";
import { START, TopicReader, type Progress } from "../src/proof/reader";
import { hex, type Bytes } from "../src/wire/bytes";
import { encode, type Item } from "../src/wire/cbor";
import { epochOf, kidOf, KeyTable } from "../src/wire/epochs";
import type { TopicMessage } from "../src/wire/messages";
import { nextRunningHash, sha384 } from "../src/wire/runningHash";
import { CONTEXT, control, event, FIRST_KEY, frame, MANIFEST, PUBLIC_KEY, sign, topic } from "./topic";

const SECOND_KEY = new Uint8Array(32).fill(2);
const OTHER_SECRET = "07".repeat(32);

interface Given {
  held?: Bytes[];
  pin?: Bytes | null;
  from?: Progress;
  campaignId?: string;
}

async function reader({ held = [FIRST_KEY], pin = PUBLIC_KEY, from = START, campaignId = "1234" }: Given = {}) {
  const keys = new KeyTable();
  for (const key of held) keys.add("campaign:1234", await epochOf(key));
  const skips: [number, string][] = [];
  const skipped = (sequence: number, reason: string) => skips.push([sequence, reason]);
  return Object.assign(new TopicReader({ context: CONTEXT, campaignId, pin, keys, skipped }, from), { skips });
}

async function said(by: TopicReader, messages: TopicMessage[]): Promise<unknown[]> {
  const found = [];
  for await (const { event, place } of by.read(messages)) found.push([place.sequence, place.index, event.data.message]);
  return found;
}

test("events come in their places, chunks joined, foreign messages skipped", async () => {
  const long = await frame(2, [event("two"), event("x".repeat(3000)), event("three")]);
  const chunks = [long.slice(0, 1024), long.slice(1024, 2048), long.slice(2048)];
  const [first, last, foreign] = [await frame(1, [event("one")]), await frame(3, [event("four")]), new Uint8Array([1, 2])];
  const messages = await topic(MANIFEST, first, foreign, chunks, last);
  const by = await reader();
  assert.deepEqual(await said(by, messages.slice(0, 5)), [[2, 0, "one"]]);
  assert.equal(by.resume.sequence, 3); // another reader would need all chunks
  const found = await said(by, messages.slice(5));
  const short = found.filter(([, , text]: any) => text.length < 9);
  assert.deepEqual(short, [[6, 0, "two"], [6, 2, "three"], [7, 0, "four"]]);
  assert.deepEqual([by.skips.length, by.progress.skipped, by.doubt], [1, 1, null]);
  assert.equal(by.progress.epoch, `0.0.7001-${hex(messages[0]!.runningHash.slice(0, 6))}`);
  const again = await reader({ from: JSON.parse(JSON.stringify(by.resume)) });
  assert.deepEqual(await said(again, await topicBehind(messages, await frame(4, [event("five")]))), [[8, 0, "five"]]);
});

async function topicBehind(messages: TopicMessage[], content: Bytes): Promise<TopicMessage[]> {
  const last = messages.at(-1)!;
  const [sequence, consensusNs] = [last.sequence + 1, last.consensusNs + 1n];
  const next = { ...last, sequence, consensusNs, message: content, chunk: null };
  return [{ ...next, runningHash: await nextRunningHash(last.runningHash, next, await sha384(content)) }];
}

test("what is altered, left out, doubled or moved breaks the topic", async () => {
  const messages = await topic(MANIFEST, await frame(1, [event("one")]), await frame(2, [event("two")]));
  const [first, second, third] = messages as [TopicMessage, TopicMessage, TopicMessage];
  const flipped = Uint8Array.from(second.message);
  flipped[9]! ^= 1;
  const lies: TopicMessage[][] = [
    [first, { ...second, message: flipped }, third],
    [first, third],
    [first, second, second],
    [first, { ...third, sequence: 2 }],
    [second],
    [first, { ...second, payer: "0.0.3" }],
    [first, { ...second, consensusNs: second.consensusNs + 1n }],
    [first, { ...second, consensusNs: first.consensusNs }],
    [first, { ...second, runningHash: first.runningHash }],
    [first, { ...second, runningHashVersion: 2 }],
    [{ ...first, topicId: "0.0.7002" }],
  ];
  for (const lie of lies) await assert.rejects(said(await reader(), lie), Broken);
  assert.equal((await said(await reader(), messages)).length, 2);
});

test("a history forged with hashes that fit: what isn't the bridge's tells nothing, and a hole is seen", async () => {
  const forged = [
    await topic(MANIFEST, await frame(1, [event("one")]), await frame(3, [event("three")])),
    await topic(MANIFEST, new Uint8Array(100), await frame(2, [event("two")])),
    await topic(MANIFEST, await frame(1, [event("mine")], { secret: OTHER_SECRET }), await frame(2, [event("two")])),
  ];
  for (const messages of forged) await assert.rejects(said(await reader(), messages), /frames are missing/);
  const old = await frame(1, [event("one")]);
  const by = await reader();
  const replayed = await topic(MANIFEST, old, old, await frame(2, [event("two")]));
  assert.deepEqual(await said(by, replayed), [[2, 0, "one"], [4, 0, "two"]]);
  assert.match(by.skips[0]![1], /came before/);
});

test("without the manifest, with another's, or of another campaign, nothing is believed", async () => {
  const frames = [await frame(1, [event("one")])];
  for (const [options, contents] of [
    [{}, frames],
    [{ pin: new Uint8Array(32) }, [MANIFEST, ...frames]],
    [{ campaignId: "1235" }, [MANIFEST, ...frames]],
  ] as const) {
    const by = await reader(options);
    assert.deepEqual(await said(by, await topic(...contents)), []);
    assert.equal(by.skips.at(-1)![1], "a frame before the manifest");
  }
  const unpinned = await reader({ pin: null });
  assert.deepEqual(await said(unpinned, await topic(MANIFEST, MANIFEST, ...frames)), [[3, 0, "one"]]);
  assert.equal(unpinned.doubt, "no pinned key");
  assert.deepEqual(unpinned.skips, [[2, "a second manifest"]]);
});

test("a rotation holds from the next frame on, and an old key that was stolen writes nothing", async () => {
  const rotation = control(200, new Map<number, Item>([[1, await kidOf(SECOND_KEY)], [2, null]]));
  const messages = await topic(
    MANIFEST,
    await frame(1, [event("one"), rotation]),
    await frame(2, [event("stolen")]),
    await frame(2, [event("two")], { key: SECOND_KEY }),
  );
  const by = await reader({ held: [FIRST_KEY, SECOND_KEY] });
  assert.deepEqual(await said(by, messages), [[2, 0, "one"], [4, 0, "two"]]);
  assert.match(by.skips[0]![1], /not in force/);
  const later = await reader({ held: [SECOND_KEY] }); // granted the second epoch alone
  assert.deepEqual(await said(later, messages), [[4, 0, "two"]]);
  const revoked = await reader({ held: [FIRST_KEY] });
  assert.deepEqual(await said(revoked, messages.slice(0, 2).concat(messages[2]!)), [[2, 0, "one"]]);
});

test("a successor that the key in force signed is believed from the next frame on", async () => {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair;
  const next = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const secret = hex(new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey)).slice(-32));
  const statement = encode(["hcs-bridge/1 successor", CONTEXT.network, CONTEXT.topicId, next]);
  for (const [signature, wanted] of [
    [await sign(statement), [[3, 0, "two"]]],
    [await sign(statement, OTHER_SECRET), []],
  ] as const) {
    const successor = control(201, new Map([[1, next], [2, signature]]));
    const messages = await topic(MANIFEST, await frame(1, [successor]), await frame(2, [event("two")], { secret }));
    assert.deepEqual(await said(await reader(), messages), wanted);
  }
});

test("nothing follows the final message", async () => {
  const by = await reader();
  const close = control(202, new Map());
  const messages = await topic(MANIFEST, await frame(1, [event("one"), close]), await frame(2, [event("two")]));
  assert.deepEqual(await said(by, messages), [[2, 0, "one"]]);
  assert.deepEqual(by.skips, [[3, "a frame behind the final message"]]);
});
