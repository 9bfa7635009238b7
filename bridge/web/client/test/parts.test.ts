import assert from "node:assert/strict";
import { test } from "node:test";
import { Broken, Refused, Unavailable } from "../src/errors";
import { tellsOf, type Publication } from "../src/event";
import { unwrap } from "../src/gateway/grants";
import { patiently } from "../src/http";
import { Checker } from "../src/proof/checker";
import { comparedMessages, type RawMessages } from "../src/proof/raw";
import { TopicReader } from "../src/proof/reader";
import { Tokens } from "../src/tokens";
import { base64, hex, unhex } from "../src/wire/bytes";
import { Assembler } from "../src/wire/chunks";
import { epochOf, KeyTable } from "../src/wire/epochs";
import { parseMessages, type TopicMessage } from "../src/wire/messages";
import { CONTEXT, event, FIRST_KEY, frame, MANIFEST, PUBLIC_KEY, topic } from "./topic";
import { vectors } from "./vectors";

const NEVER = new AbortController().signal;

test("a key that was wrapped to us opens for its purpose alone", async () => {
  const { purpose: name, network, owner, kid, privateKey, publicKey, wrapped, key } = vectors("people");
  const d = Buffer.from(privateKey, "hex").toString("base64url");
  const x = Buffer.from(publicKey, "hex").toString("base64url");
  const jwk = { kty: "OKP", crv: "X25519", x };
  const pair = {
    privateKey: await crypto.subtle.importKey("jwk", { ...jwk, d }, "X25519", false, ["deriveBits"]),
    publicKey: await crypto.subtle.importKey("jwk", jwk, "X25519", true, []),
  };
  const purpose = { name, network, owner };
  assert.equal(hex(await unwrap(pair, unhex(wrapped), purpose, unhex(kid))), key);
  for (const other of [{ owner: "user:77" }, { network: "mainnet" }, { name: "grant" as const }])
    await assert.rejects(unwrap(pair, unhex(wrapped), { ...purpose, ...other }, unhex(kid)), Refused);
  await assert.rejects(unwrap(pair, unhex(wrapped).fill(0, 79), purpose, unhex(kid)), Refused);
});

test("what lies at rest is nonce and AES-256-GCM", async () => {
  const { storeKey, aad, nonce, body, sealed } = vectors("wrapping").body;
  const key = await crypto.subtle.importKey("raw", unhex(storeKey), "AES-GCM", false, ["decrypt"]);
  const opened = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv: unhex(nonce), additionalData: unhex(aad) }, key, unhex(sealed).slice(12),
  );
  assert.equal(hex(new Uint8Array(opened)), body);
});

const CHUNK = { payer: "0.0.2", bytes: 100, began: 1 };

function chunk(sequence: number, number: number, total: number, change: Partial<typeof CHUNK> = {}): TopicMessage {
  const { payer, bytes, began } = { ...CHUNK, ...change };
  return {
    topicId: "0.0.7001",
    sequence,
    consensusNs: BigInt(sequence) * 1_000_000_000n,
    message: new Uint8Array(bytes).fill(number),
    runningHash: new Uint8Array(48),
    runningHashVersion: 3,
    payer,
    chunk: { initial: `${payer}@${began}`, payer, number, total },
  };
}

test("chunks in any order, doubled, contradicting themselves, of several payers", () => {
  const assembler = new Assembler();
  assert.equal(assembler.add(chunk(1, 2, 2)), null);
  assert.equal(assembler.add(chunk(2, 2, 2)), null);
  assert.equal(assembler.add(chunk(3, 3, 2)), null);
  assert.equal(assembler.add(chunk(4, 1, 3)), null);
  assert.equal(assembler.add({ ...chunk(5, 1, 2), payer: "0.0.3" }), null); // another's, whatever it says
  assert.ok(!assembler.idle);
  const whole = assembler.add(chunk(6, 1, 2))!;
  assert.deepEqual([whole.firstSequence, whole.last.sequence, whole.data.length, whole.data[0]], [1, 6, 200, 1]);
  assert.deepEqual(assembler.add({ ...chunk(7, 1, 1), chunk: null })!.data.length, 100);
});

test("unfinished messages expire, and who floods a topic buries its own", () => {
  const limits = { maxOpenBytes: 3000, expireSequences: 10, expireNs: 20_000_000_000n };
  const assembler = new Assembler(limits);
  assembler.add(chunk(1, 1, 2, { payer: "0.0.9" }));
  for (let began = 2; began < 12; began += 1) assembler.add(chunk(began, 1, 2, { bytes: 1000, began }));
  assert.equal(assembler.buried, 8);
  assert.ok(assembler.add(chunk(12, 2, 2, { payer: "0.0.9" }))); // the quiet one is still there
  assembler.add(chunk(13, 1, 1000));
  assert.equal(assembler.buried, 9); // too long for there ever to be room
  assembler.add({ ...chunk(40, 1, 1), chunk: null });
  assert.ok(assembler.idle);
});

test("a mirror's messages, or none", () => {
  const row = {
    topic_id: "0.0.7001", sequence_number: 1, consensus_timestamp: "1700000000.000000001", message: "aGk=",
    running_hash: base64(new Uint8Array(48)), running_hash_version: 3, payer_account_id: "0.0.2", chunk_info: null,
  };
  const [message] = parseMessages({ messages: [row] });
  assert.deepEqual([message!.consensusNs, message!.message.length], [1_700_000_000_000_000_001n, 2]);
  const wrong = [
    null, {}, { messages: {} }, { messages: [null] },
    ...Object.entries({
      sequence_number: "1", consensus_timestamp: "1700000000", message: "a", payer_account_id: null, topic_id: "7001",
      running_hash_version: -1, chunk_info: { number: 1, total: 1 },
    }).map(([name, value]) => ({ messages: [{ ...row, [name]: value }] })),
  ];
  for (const answer of wrong) assert.throws(() => parseMessages(answer), Unavailable, JSON.stringify(answer));
});

test("several mirrors: what all show alike; a difference breaks", async () => {
  const messages = await topic(MANIFEST, await frame(1, [event("one")]));
  const shows = (...shown: TopicMessage[]): RawMessages => async () => shown;
  const [first, second] = messages as [TopicMessage, TopicMessage];
  assert.deepEqual(await comparedMessages([shows(first, second), shows(first)])(0, NEVER), [first]);
  assert.deepEqual(await comparedMessages([shows(first), shows(first, second)])(0, NEVER), [first]);
  const { chunk: info } = chunk(1, 1, 2);
  for (const change of [{ message: MANIFEST.slice(1) }, { payer: "0.0.9" }, { chunk: info }, { consensusNs: 1n }])
    await assert.rejects(comparedMessages([shows(first), shows({ ...first, ...change })])(0, NEVER), Broken);
});

async function checker(messages: TopicMessage[]) {
  const keys = new KeyTable();
  keys.add("campaign:1234", await epochOf(FIRST_KEY));
  const asked: number[] = [];
  const shown = async ({ after, to }: { after: number; to: number }) => {
    asked.push(after + 1);
    return { context: CONTEXT, messages: messages.slice(after, to) };
  };
  const rules = { campaignId: "1234", pin: PUBLIC_KEY, keys, shown, newMessages: () => undefined };
  return Object.assign(new Checker(rules, null, NEVER), { asked, held: keys });
}

async function published(messages: TopicMessage[]): Promise<[Publication, number][]> {
  const { held: keys } = await checker(messages);
  const by = new TopicReader({ context: CONTEXT, campaignId: "1234", pin: PUBLIC_KEY, keys });
  const found: [Publication, number][] = [];
  for await (const placed of by.read(messages)) {
    const { event, place } = placed;
    const data = { type: "CAMPAIGN", payload: event.data, timestamp: new Date(event.timeMs).toISOString() };
    const meta = { id: event.id, phase: "confirmed" as const, ...place };
    const publication: Publication = { event: event.name, data, encrypted: false, meta };
    assert.ok(tellsOf(publication, placed));
    found.push([publication, place.sequence * 1000 + place.index]);
  }
  return found;
}

test("publications are held against the ledger", async () => {
  const frames = [await frame(1, [event("one"), event("two")]), await frame(2, [event("three")])];
  const messages = await topic(MANIFEST, ...frames);
  const [one, two, three] = await published(messages);
  const by = await checker(messages);
  await by.readTo(2000, 0);
  assert.deepEqual(by.judge(...one!), { verdict: "verified" });
  assert.equal(by.behind.sequence, 0); // of message 2 not all is judged
  await by.readTo(3000, 2000);
  assert.deepEqual([by.judge(...two!), by.judge(...three!)], [{ verdict: "verified" }, { verdict: "verified" }]);
  assert.deepEqual([by.behind.sequence, by.asked], [2, [1, 3]]);
  const [publication, offset] = one!;
  for (const change of [
    { event: "OTHER" },
    { data: { ...publication.data, payload: { message: "eins" } } },
    { data: { ...publication.data, timestamp: "2026-01-01T00:00:00.000Z" } },
    { data: { ...publication.data, userId: "77" } },
    { meta: { ...publication.meta, id: two![0].meta.id } },
    { meta: { ...publication.meta, consensusTimestamp: "1.000000000" } },
    { meta: { ...publication.meta, runningHash: "" } },
  ]) {
    const again = await checker(messages);
    await again.readTo(2000, 0);
    assert.equal(again.judge({ ...publication, ...change }, offset).verdict, "broken");
  }
  const invented = await checker(messages);
  await invented.readTo(3001, 0);
  assert.equal(invented.judge(three![0], 3001).verdict, "broken");
});

test("what is passed over breaks, and what came before the place does not", async () => {
  const [first, second, third] = [[event("one"), event("two")], [event("three")], [event("four")]];
  const messages = await topic(MANIFEST, await frame(1, first!), await frame(2, second!), await frame(3, third!));
  const [, two, three, four] = await published(messages);
  const verdicts = async (since: number, ...told: [Publication, number][]) => {
    const by = await checker(messages);
    await by.readTo(4000, since);
    return told.map((each) => by.judge(...each));
  };
  const passedOver = (sequence: number) => ({
    verdict: "broken", reason: `message ${sequence}: what stands there was passed over`,
  });
  const verified = { verdict: "verified" };
  assert.deepEqual(await verdicts(2000, two!, three!, four!), [verified, verified, verified]);
  assert.deepEqual(await verdicts(0, two!, three!), [passedOver(2), verified]);
  assert.deepEqual(await verdicts(2001, four!), [passedOver(3)]);
  const by = await checker(messages);
  await by.readTo(4000, 2000); // frames unopened, one publication each: that of message 2 was told, with all its events
  assert.deepEqual(by.takeFrame(4), passedOver(3));
});

test("where the ledger is broken or away, so are the verdicts, until it isn't", async () => {
  const messages = await topic(MANIFEST, await frame(1, [event("one")]));
  const [one] = await published(messages);
  const by = await checker(messages);
  const truth = messages[1]!;
  messages[1] = { ...truth, payer: "0.0.9" };
  await by.readTo(2000, 0);
  assert.equal(by.judge(...one!).verdict, "broken");
  messages[1] = truth;
  await by.readTo(2000, 0);
  assert.equal(by.judge(...one!).verdict, "verified");
});

test("patience ends where it should", async () => {
  const failing = () => Promise.reject(new Unavailable("away"));
  await assert.rejects(patiently(failing, NEVER, { attempts: 1 }), Unavailable);
  await assert.rejects(patiently(() => Promise.reject(new Broken(1, "x")), NEVER), Broken);
  const end = new AbortController();
  const waiting = patiently(failing, end.signal);
  end.abort(new Error("closed"));
  await assert.rejects(waiting, /closed/);
});

test("tokens: the user's id, and another before one ends", async () => {
  const made = (claims: object) => `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;
  const soon = Date.now() / 1000;
  assert.equal(await new Tokens(made({ id: "77", sub: "1" })).user(), "77");
  assert.equal(await new Tokens().current(), null);
  const given = [made({ sub: "1", exp: soon + 1 }), made({ sub: "2", exp: soon + 100 })];
  const tokens = new Tokens(async () => given.shift()!);
  assert.deepEqual([await tokens.user(), await tokens.user(), await tokens.user()], ["1", "2", "2"]);
});
