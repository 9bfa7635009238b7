// Plays the browser client in headless Chromium against a running bridge, and prints how each scenario ended as one
// line of JSON. What the bridge has to do in between is asked for over stdout, one JSON array a line: [action,
// ...arguments]; the answer comes as one line of JSON on stdin. Arguments: the bridge's HTTP door, its WebSocket,
// the key to pin, the mirrors' addresses as JSON, path of the browser.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [api, url, pin, mirrorsText, executablePath] = process.argv.slice(2);
const mirrors = JSON.parse(mirrorsText);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const DEADLINE_MS = 20_000;
const LOCAL = { minReconnectDelay: 10, maxReconnectDelay: 100, minResubscribeDelay: 10, maxResubscribeDelay: 100 };

async function bridge(...request) {
  process.stdout.write(JSON.stringify(request) + "\n");
  return JSON.parse((await answers.next()).value);
}

async function until(look, isRight, what) {
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (isRight(seen)) return seen;
    if (Date.now() > end) throw new Error(`never happened: ${what}; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// Of the bridge's own origin. Pages that no server gave count as public, hence the last flag.
const PAGE = `${api}/web/client/`;
const APPLICATION = "http://app.localhost/"; // which the bridge allows
const COOKIE_APPLICATION = "http://127.0.0.1/"; // on the bridge's own site, as a cookie must be
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-features=LocalNetworkAccessChecks",
];

class Tab {
  sockets = 0;
  complaints = [];

  static async open(context, address = PAGE) {
    const tab = new Tab();
    tab.address = address;
    tab.page = await context.newPage();
    tab.page.on("websocket", () => (tab.sockets += 1));
    tab.page.on("pageerror", (error) => tab.complaints.push(String(error)));
    await tab.page.exposeFunction("token", (user, lives_s) => bridge("token", user, lives_s));
    await tab.load();
    return tab;
  }

  async load() {
    await this.page.goto(this.address);
    await this.page.evaluate(async (client) => {
      globalThis.bridge = await import(client);
      globalThis.seen = { events: [], states: [], connection: [], tokens: 0 };
    }, `${PAGE}hcs-bridge.js`);
  }

  /** Connect as `user`, and follow `channel`; `options` are the client's. */
  async follow(channel, { user = "77", lives_s = 120, since = "kept", ...options } = {}) {
    const given = { api, url, pin, centrifuge: LOCAL, ...options };
    await this.page.evaluate(([channel, user, lives_s, since, given, LOCAL]) => {
      const { seen } = globalThis;
      const client = (globalThis.client = new globalThis.bridge.BridgeClient({
        ...given, onConnection: (state) => seen.connection.push(state),
      }));
      client.connect(() => ((seen.tokens += 1), globalThis.token(user, lives_s)));
      client.subscribe("*", (event) => seen.events.push(event));
      client.subscribe(channel, { since, onState: (state, reason) => seen.states.push([state, reason]) });
    }, [channel, user, lives_s, since, given, LOCAL]);
  }

  seen() {
    return this.page.evaluate(() => globalThis.seen);
  }

  forget() {
    return this.page.evaluate(() => ((globalThis.seen.events.length = 0), (globalThis.seen.states.length = 0)));
  }

  async confirmed() {
    return (await this.seen()).events.filter((event) => event.state === "confirmed");
  }

  /** Wait for these messages, confirmed, in this order, and no others. */
  async gets(...texts) {
    const got = await until(() => this.confirmed(), (events) => events.length >= texts.length, texts.join(", "));
    assert.deepEqual(got.map((event) => event.data.payload.message), texts);
    return got;
  }

  live() {
    return until(() => this.seen(), ({ states }) => states.at(-1)?.[0] === "live", "live");
  }

  async close() {
    await this.page.close();
    assert.deepEqual(this.complaints, []);
  }
}

const scenarios = {
  async live(context) {
    const tab = await Tab.open(context);
    await tab.follow("campaign:1", { since: "start", lives_s: 3 });
    await tab.live();
    const id = await bridge("publish", "1", "one");
    const [event] = await tab.gets("one");
    assert.deepEqual([event.id, event.state, event.verdict, event.reason], [id, "confirmed", "verified", undefined]);
    const { events } = await tab.seen();
    assert.deepEqual(events.map((each) => [each.id, each.state]), [[id, "provisional"], [id, "confirmed"]]);
    // the token lives for three seconds: another comes in band, and nobody notices
    await until(() => tab.seen(), ({ tokens }) => tokens >= 3, "another token");
    await bridge("publish", "1", "two");
    await tab.gets("one", "two");
    const { connection } = await tab.seen();
    assert.deepEqual(connection.filter((state) => state !== "connecting"), ["connected"]);
    assert.equal(tab.sockets, 1);
    return tab;
  },

  async reload(context, tab) {
    await tab.page.goto("about:blank");
    await bridge("publish", "1", "three");
    await bridge("publish", "1", "four");
    await tab.load();
    await tab.follow("campaign:1");
    const events = await tab.gets("three", "four");
    assert.deepEqual(events.map((event) => event.verdict), ["verified", "verified"]);
  },

  async offline(context, tab) {
    await tab.forget();
    await context.setOffline(true);
    await until(() => tab.seen(), ({ connection }) => connection.at(-1) !== "connected", "away");
    await bridge("publish", "1", "five");
    await bridge("publish", "1", "six");
    await bridge("confirmed", "1");
    assert.deepEqual(await tab.confirmed(), []);
    await context.setOffline(false);
    await tab.gets("five", "six");
  },

  async "two tabs"(context, tab) {
    await tab.forget();
    const other = await Tab.open(context);
    await other.follow("campaign:1", { since: "now" });
    await other.live();
    await bridge("publish", "1", "seven");
    await Promise.all([tab.gets("seven"), other.gets("seven")]);
    assert.equal(other.sockets, 0);
    await tab.close(); // the one with the connection
    await bridge("publish", "1", "eight");
    await other.gets("seven", "eight");
    assert.equal(other.sockets, 1);
    await other.close();
  },

  async "another user's tab has a connection of its own"(context) {
    const [one, other] = [await Tab.open(context), await Tab.open(context)];
    await one.follow("campaign:1", { since: "now" });
    await one.live();
    await other.follow("campaign:1", { user: "88", since: "now" });
    await until(() => other.seen(), ({ states }) => states.at(-1)?.[0] === "closed", "refused");
    assert.match((await other.seen()).states.at(-1)[1], /permission denied/);
    assert.deepEqual([one.sockets, other.sockets], [1, 1]);
    await Promise.all([one.close(), other.close()]);
  },

  async "a lying mirror"(context) {
    const tab = await Tab.open(context);
    await bridge("forge", 5); // message 5 and all hashes behind it, which fit
    await tab.follow("campaign:1", { since: "start", mirrors: [mirrors[1]], share: false });
    const events = await tab.gets("one", "two", "three", "four", "five", "six", "seven", "eight");
    assert.deepEqual(events.slice(0, 3).map((event) => event.verdict), ["verified", "verified", "verified"]);
    assert.ok(events.slice(3).every((event) => event.verdict === "broken" && event.reason));
    await tab.load();
    await fromMirror(tab, { mirrors: [mirrors[1]], since: "start" });
    await until(() => tab.seen(), ({ states }) => states.some(([state]) => state === "broken"), "broken");
    assert.deepEqual((await tab.confirmed()).map((event) => event.data.payload.message), ["one", "two", "three"]);
    await tab.load();
    await fromMirror(tab, { mirrors, since: "start" });
    const isBroken = ([state]) => state === "broken";
    const { states } = await until(() => tab.seen(), (seen) => seen.states.some(isBroken), "differ");
    assert.match(states.find(isBroken)[1], /message 5: the mirrors differ/);
    await bridge("tell the truth");
    await tab.gets("one", "two", "three", "four", "five", "six", "seven", "eight"); // it looks again by itself
    await tab.close();
  },

  async "a page of another origin"(context) {
    const tab = await Tab.open(context, APPLICATION);
    await tab.follow("campaign:1", { since: "start" });
    const events = await tab.gets("one", "two", "three", "four", "five", "six", "seven", "eight");
    assert.ok(events.every((event) => event.verdict === "verified"));
    await tab.close();
  },

  async "login by cookie"(context) {
    const value = await bridge("token", "77", 120);
    await context.addCookies([{ name: "access_token", value, url: COOKIE_APPLICATION, httpOnly: true, sameSite: "Lax" }]);
    const tab = await Tab.open(context, COOKIE_APPLICATION);
    await tab.page.evaluate(([given, cookieUser]) => {
      const client = new globalThis.bridge.BridgeClient({ ...given, user: cookieUser });
      client.connect();
      client.subscribe("campaign:1", { since: "start", onEvent: (event) => globalThis.seen.events.push(event) });
    }, [{ api, url, pin, centrifuge: LOCAL }, "77"]);
    const events = await tab.gets("one", "two", "three", "four", "five", "six", "seven", "eight");
    assert.ok(events.every((event) => event.verdict === "verified")); // keys and proofs, too, by the cookie
    await context.clearCookies();
    await tab.close();
  },

  async "no pin"(context) {
    const tab = await Tab.open(context);
    await tab.follow("campaign:1", { since: "start", pin: undefined, verify: true, share: false });
    const events = await tab.gets("one", "two", "three", "four", "five", "six", "seven", "eight");
    assert.ok(events.every((event) => event.verdict === "unverified" && event.reason === "no pinned key"));
    await tab.load();
    await tab.follow("campaign:1", { since: "start", pin: "00".repeat(32), share: false });
    await until(() => tab.confirmed(), (found) => found.length === 8, "another key pinned");
    assert.ok((await tab.confirmed()).every((event) => event.verdict === "broken"));
    await tab.close();
  },

  async sealed(context) {
    const tab = await Tab.open(context);
    await tab.follow("campaign:2", { since: "start", share: false });
    await bridge("publish", "2", "secret");
    await bridge("publish", "2", "for you alone", "77");
    const events = await tab.gets("secret", "for you alone");
    assert.ok(events.every((event) => event.verdict === "verified" && !event.encrypted));
    const stored = await tab.page.evaluate(() => indexedDB.databases().then((all) => all.map(({ name }) => name)));
    assert.deepEqual(stored, ["hcs-bridge"]);
    await tab.load();
    await tab.follow("campaign:2", { since: "start", user: "99", share: false }); // sees the channel, was revoked
    const [frame] = await until(() => tab.confirmed(), (found) => found.length > 0, "a frame");
    assert.deepEqual([frame.event, frame.encrypted, frame.verdict], ["SEALED_FRAME", true, "unverified"]);
    assert.ok(frame.data.payload.frame.length > 100);
    await tab.close();
  },

  async "straight from the mirror, with the bridge stopped"(context) {
    const [waiting, tab] = [await Tab.open(context), await Tab.open(context)];
    await waiting.follow("campaign:1", { since: "now" });
    await waiting.live();
    const granted = await tab.page.evaluate(async (api) => {
      const asked = `${api}/v1/campaigns/1/keys?publicKey=${await globalThis.bridge.devicePublicKey()}`;
      const headers = { Authorization: `Bearer ${await globalThis.token("77", 120)}` };
      return (await fetch(asked, { headers })).json();
    }, api);
    await bridge("stop");
    await fromMirror(tab, { mirrors, since: "start", keys: granted.epochs, topic: granted.topicId });
    const events = await tab.gets("one", "two", "three", "four", "five", "six", "seven", "eight");
    assert.ok(events.every((event) => event.verdict === "verified" && event.place.topicId));
    await tab.close();
    return waiting;
  },

  async "a bridge that comes back"(context, waiting) {
    await until(() => waiting.seen(), ({ connection }) => connection.at(-1) !== "connected", "away");
    await bridge("start");
    await bridge("publish", "1", "nine");
    await waiting.gets("nine");
    return waiting;
  },

  async "the user's own channel, told beside the campaign's"(context, tab) {
    await bridge("publish", "1", "yours", "77");
    const [, yours] = await tab.gets("nine", "yours");
    assert.deepEqual([yours.channel, yours.verdict], ["user:77", "unverified"]);
    assert.match(yours.reason, /a user's channel/);
    await bridge("publish", "1", "ten"); // nobody holds against the campaign's channel that it passes over what isn't its own
    const [nine, , ten] = await tab.gets("nine", "yours", "ten");
    assert.deepEqual([nine.verdict, ten.verdict], ["verified", "verified"]);
    await tab.close();
  },
};

async function fromMirror(tab, { since, mirrors: asked, ...given }) {
  const { topic, keys } = given.keys ? given : await bridge("keys", "1");
  await tab.page.evaluate(([options, topic, since]) => {
    const { seen } = globalThis;
    const client = new globalThis.bridge.BridgeClient({ source: "mirror", network: "devnet", ...options });
    client.subscribe("*", (event) => seen.events.push(event));
    client.subscribe("campaign:1", { topic, since, onState: (state, reason) => seen.states.push([state, reason]) });
  }, [{ pin, mirrors: asked, keys, pollMs: { shortest: 50, longest: 200 } }, topic, since]);
}

const result = {};
const browser = await chromium.launch({ executablePath, args: FLAGS });
try {
  const context = await browser.newContext();
  const page = { body: "<!doctype html><title>client</title>", contentType: "text/html" };
  for (const address of [PAGE, APPLICATION, COOKIE_APPLICATION]) await context.route(address, (route) => route.fulfill(page));
  let tab;
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      tab = (await scenario(context, tab)) ?? tab;
      result[name] = "passed";
    } catch (error) {
      result[name] = String(error.stack);
    }
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify({ result }) + "\n");
process.exit(0);
