import assert from "node:assert/strict";
import { test } from "node:test";
import { Denied, Unavailable } from "../src/errors";
import type { Publication } from "../src/event";
import { GatewayChannel } from "../src/gateway/channel";
import { Grants } from "../src/gateway/grants";
import type { HistoryPage, Link, Listener, News, StreamPlace } from "../src/gateway/link";
import { MemoryStorage, type Storage } from "../src/storage";
import type { Since } from "../src/subscription";

const END = new AbortController().signal;

function publication(id: string, phase: "provisional" | "confirmed" | "rejected", reason?: string): Publication {
  const data = { type: "CAMPAIGN", payload: {}, timestamp: "2026-01-01T00:00:00.000Z" };
  return { event: "SAID", data, encrypted: false, meta: { id, phase, ...(reason !== undefined && { reason }) } };
}

/** A stream that is there, and a connection that tells of it what the test says. */
class Stream implements Link {
  offsets: number[] = [];
  epoch = "e1";
  failures = 0;
  asked: number[] = [];
  tell: Listener = () => undefined;

  follow(_channel: string, listener: Listener): () => void {
    this.tell = listener;
    return () => undefined;
  }

  async history(_channel: string, since: StreamPlace, limit: number): Promise<HistoryPage> {
    this.asked.push(since.offset);
    if ((this.failures -= 1) >= 0) throw new Unavailable("away");
    const isElsewhere = since.epoch !== "" && since.epoch !== this.epoch;
    if (isElsewhere || since.offset > this.top.offset) throw new Denied(112, "unrecoverable position");
    const found = this.offsets.filter((offset) => offset > since.offset).slice(0, limit);
    return { publications: found.map((offset) => this.sent(offset)), top: this.top };
  }

  close(): void {}

  get top(): StreamPlace {
    return { offset: this.offsets.at(-1) ?? 0, epoch: this.epoch };
  }

  sent(offset: number) {
    return { offset, data: publication(`id ${offset}`, "confirmed") };
  }

  joined(): void {
    this.tell({ kind: "joined", top: this.top });
  }

  confirm(offset: number): void {
    this.offsets.push(offset);
    this.tell({ kind: "sent", sent: this.sent(offset) });
  }

  announce(id: string, phase: "provisional" | "rejected", reason?: string): void {
    this.tell({ kind: "sent", sent: { offset: null, data: publication(id, phase, reason) } });
  }
}

function follow(link: Stream, { storage = new MemoryStorage() as Storage, since = "kept" as Since } = {}) {
  const seen: string[] = [];
  const states: string[] = [];
  const grants = new Grants("", "1", () => Promise.reject(new Error("unasked")), async () => null, END);
  const parts = { link, storage, storageKey: "k", pageSize: 2, grants, checker: null, all: () => undefined };
  const channel = new GatewayChannel("campaign:1", parts, {
    since,
    onEvent: ({ id, state, reason = "" }) => seen.push(`${id} ${state} ${reason.replace("not checked", "")}`.trim()),
    onState: (state) => states.push(state),
  });
  return { channel, seen, states };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

test("whoever was away pages from its own place, whatever was recovered, and gets each event once", async () => {
  const [link, storage] = [new Stream(), new MemoryStorage()];
  const first = follow(link, { storage });
  link.joined();
  link.confirm(1000);
  await settle();
  first.channel.close();
  link.offsets.push(2000, 3000, 4000, 4001, 5000);
  const second = follow(link, { storage });
  link.joined();
  link.confirm(6000); // while it still pages
  link.tell({ kind: "sent", sent: link.sent(5000) });
  await settle();
  assert.deepEqual(first.seen, ["id 1000 confirmed"]);
  assert.deepEqual(second.seen, [2000, 3000, 4000, 4001, 5000, 6000].map((offset) => `id ${offset} confirmed`));
  assert.deepEqual(link.asked, [1000, 3000, 4001]);
  assert.deepEqual([second.channel.state, first.channel.state], ["live", "closed"]);
});

test("where to begin", async () => {
  const starts: [Since, number][] = [["now", 0], ["kept", 0], ["start", 3], [{ offset: 1000, epoch: "e1" }, 2]];
  for (const [since, count] of starts) {
    const link = new Stream();
    link.offsets = [1000, 2000, 3000];
    const { seen } = follow(link, { since });
    link.joined();
    await settle();
    assert.equal(seen.length, count, JSON.stringify(since));
  }
});

test("a page that can't be had is asked for until it can: live events wait for it", async () => {
  const link = new Stream();
  link.offsets = [1000, 2000];
  link.failures = 1;
  const { seen, states } = follow(link, { since: "start" });
  link.joined();
  link.confirm(3000);
  await settle();
  assert.deepEqual(seen, []);
  await new Promise((resolve) => setTimeout(resolve, 600));
  assert.deepEqual([seen.length, states], [3, ["connecting", "live"]]);
});

test("a place that is no longer there is told as a gap", async () => {
  for (const since of [{ offset: 500, epoch: "another" }, { offset: 9000, epoch: "e1" }]) {
    const link = new Stream();
    link.offsets = [1000];
    const storage = new MemoryStorage();
    storage.setItem("k", JSON.stringify({ ...since, progress: null }));
    const { seen, states } = follow(link, { storage });
    link.joined();
    link.confirm(2000);
    await settle();
    assert.deepEqual([seen, states], [["id 2000 confirmed"], ["gap", "live"]]);
    assert.equal(JSON.parse(storage.getItem("k")!).offset, 2000);
  }
});

test("a provisional ends in one of three ways", async () => {
  const link = new Stream();
  const { seen } = follow(link);
  link.joined();
  for (const id of ["a", "b", "c", "d", "id 1000"]) link.announce(id, "provisional");
  link.announce("a", "rejected", "too long");
  link.tell({ kind: "away", reason: "transport closed" } satisfies News);
  link.offsets.push(1000);
  link.joined();
  link.announce("e", "provisional"); // came behind the subscribe reply, which can't know it
  link.tell({ kind: "settled", settled: { open: ["d"], rejected: [{ id: "b", reason: "parked" }] } });
  await settle();
  assert.deepEqual(seen.slice(5), [
    "a rejected too long", "id 1000 confirmed", "e provisional", "b rejected parked", "c dropped",
  ]);
});

test("an end from the other side closes it, and says why", async () => {
  const link = new Stream();
  const { channel, states } = follow(link);
  link.tell({ kind: "ended", code: 103, reason: "permission denied" });
  await settle();
  assert.deepEqual([channel.state, states], ["closed", ["closed"]]);
});
