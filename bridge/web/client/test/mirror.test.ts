import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { BridgeClient } from "../src/client";
import { Denied, Unavailable } from "../src/errors";
import { fetchJson } from "../src/http";
import { mirrorMessages } from "../src/proof/raw";
import { MemoryStorage } from "../src/storage";
import { base64, hex } from "../src/wire/bytes";
import type { Item } from "../src/wire/cbor";
import { kidOf } from "../src/wire/epochs";
import { formatTimestamp, type TopicMessage } from "../src/wire/messages";
import { CONTEXT, control, event, FIRST_KEY, frame, MANIFEST, PUBLIC_KEY, topic } from "./topic";

const NEVER = new AbortController().signal;
const SECOND_KEY = new Uint8Array(32).fill(2);

/** A server for as long as `use` takes. */
async function served<T>(listener: RequestListener, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

function row(message: TopicMessage): object {
  return {
    topic_id: message.topicId, sequence_number: message.sequence, consensus_timestamp: formatTimestamp(message.consensusNs),
    message: base64(message.message), running_hash: base64(message.runningHash), running_hash_version: 3,
    payer_account_id: message.payer, chunk_info: null,
  };
}

test("answers are typed by what happens next", async () => {
  const answers: Record<string, [number, string]> = {
    "/busy": [429, "{}"], "/down": [503, "{}"], "/none": [404, "{}"], "/odd": [200, "<html>"], "/good": [200, "[1]"],
  };
  await served((request, response) => {
    const [status, body] = answers[request.url!]!;
    response.writeHead(status, { "Retry-After": "7" }).end(body);
  }, async (url) => {
    assert.deepEqual(await fetchJson(`${url}/good`, NEVER), [1]);
    const busy = await fetchJson(`${url}/busy`, NEVER).catch((error) => error);
    assert.ok(busy instanceof Unavailable && busy.retryAfterMs === 7000);
    for (const path of ["/down", "/odd"]) await assert.rejects(fetchJson(url + path, NEVER), Unavailable);
    await assert.rejects(fetchJson(`${url}/none`, NEVER), Denied);
  });
  await assert.rejects(fetchJson("http://127.0.0.1:1/", NEVER), Unavailable);
});

test("a topic that the mirror doesn't know yet is one without messages", async () => {
  await served((_, response) => response.writeHead(404).end("{}"), async (url) => {
    assert.deepEqual(await mirrorMessages(`${url}/api/v1/`, "0.0.7001")(0, NEVER), []);
  });
});

test("what is sealed under a key that isn't held is told as a gap, and nothing hides it", async () => {
  const kid = await kidOf(SECOND_KEY);
  const rotation = control(200, new Map<number, Item>([[1, kid], [2, null]]));
  const behind = await frame(2, [event("two")], { key: SECOND_KEY });
  const messages = await topic(MANIFEST, await frame(1, [event("one"), rotation]), behind);
  await served((_, response) => response.end(JSON.stringify({ messages: messages.map(row) })), async (url) => {
    const states: string[] = [];
    const seen: unknown[] = [];
    const key = { owner: "campaign:1234" as const, key: hex(FIRST_KEY) };
    const client = new BridgeClient({
      source: "mirror", pin: hex(PUBLIC_KEY), storage: new MemoryStorage(), mirrors: [url], network: CONTEXT.network,
      keys: [key], topics: { 1234: CONTEXT.topicId },
    });
    await new Promise<void>((resolve) => {
      client.subscribe("campaign:1234", {
        since: "start",
        onEvent: ({ data, verdict }) => seen.push([data.payload.message, verdict]),
        onState: (state, reason) => (states.push(`${state} ${reason}`), state === "live" && resolve()),
      });
    });
    client.close();
    assert.deepEqual(seen, [["one", "verified"]]);
    assert.match(states.join("\n"), /^gap message 3: .*key.*\nlive $/m);
  });
});

test("a campaign straight from a mirror, which asks to wait, and is asked no sooner", async () => {
  const messages = await topic(MANIFEST, await frame(1, [event("one")]), await frame(2, [event("two")]));
  const asked: [number, string][] = [];
  const listener: RequestListener = (request, response) => {
    asked.push([Date.now(), request.url!]);
    if (asked.length === 1) return void response.writeHead(429, { "Retry-After": "1" }).end("{}");
    const after = Number(/gte:(\d+)/.exec(request.url!)![1]) - 1;
    response.writeHead(200).end(JSON.stringify({ messages: messages.slice(after).map(row) }));
  };
  await served(listener, async (url) => {
    const storage = new MemoryStorage();
    const key = { owner: "campaign:1234" as const, key: hex(FIRST_KEY) };
    const given = { mirrors: [url], network: CONTEXT.network, keys: [key], topics: { 1234: CONTEXT.topicId } };
    const pollMs = { shortest: 10, longest: 20 };
    const follow = async (since: "start" | "kept", count: number) => {
      const client = new BridgeClient({ source: "mirror", pin: hex(PUBLIC_KEY), storage, pollMs, ...given });
      const seen: unknown[] = [];
      await new Promise<void>((resolve) => {
        client.subscribe("campaign:1234", {
          since,
          onEvent: ({ data, verdict }) => seen.push([data.payload.message, verdict]) === count && resolve(),
          onState: (state) => state === "live" && count === 0 && resolve(),
        });
      });
      client.close();
      return seen;
    };
    assert.deepEqual(await follow("start", 2), [["one", "verified"], ["two", "verified"]]);
    assert.deepEqual(await follow("kept", 0), []); // told before
    assert.ok(asked[1]![0] - asked[0]![0] >= 990);
    assert.match(asked[0]![1], /^\/api\/v1\/topics\/0\.0\.7001\/messages\?sequencenumber=gte:1&order=asc&limit=100$/);
  });
});
