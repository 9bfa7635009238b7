// Drives a gateway with the public npm client, unchanged, and prints what it saw as one line of JSON.
// What the server has to do in between it is asked for over stdout, one JSON array a line: [action, ...arguments];
// the answer comes as one line of JSON on stdin.

import { createInterface } from "node:readline";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const { url } = JSON.parse(process.argv[2]);
const CAMPAIGN = "campaign:1";
const DEADLINE_MS = 20_000;

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function server(...request) {
  process.stdout.write(JSON.stringify(request) + "\n");
  return JSON.parse((await answers.next()).value);
}

async function until(condition, what) {
  const end = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function client(options) {
  const made = new Centrifuge(url, { websocket: WebSocket, minReconnectDelay: 10, maxReconnectDelay: 50, ...options });
  made.seen = [];
  for (const event of ["connecting", "connected", "disconnected", "error"]) {
    made.on(event, (context) => made.seen.push([event, context.code ?? context.error?.code ?? null]));
  }
  return made;
}

function follow(made, channel, options) {
  const subscription = made.newSubscription(channel, options);
  subscription.got = [];
  subscription.seen = [];
  subscription.on("publication", (context) => subscription.got.push([context.offset ?? null, context.data.data.n]));
  subscription.on("subscribed", (context) =>
    subscription.seen.push({
      recovered: context.recovered,
      wasRecovering: context.wasRecovering,
      recoverable: context.recoverable,
      positioned: context.positioned,
      offset: context.streamPosition?.offset,
      data: context.data,
    }));
  subscription.on("unsubscribed", (context) => subscription.seen.push({ unsubscribed: context.code }));
  subscription.subscribe();
  return subscription;
}

async function code(promise) {
  try {
    await promise;
    return 0;
  } catch (error) {
    return error.code;
  }
}

async function recovery() {
  const made = client({ token: await server("token", 120) });
  const subscription = follow(made, CAMPAIGN);
  made.connect();
  await until(() => subscription.seen.length === 1, "subscribed");
  await server("confirm", CAMPAIGN, 1000, 1);
  await server("confirm", CAMPAIGN, 2000, 2);
  await server("provisional", CAMPAIGN, 3);
  await until(() => subscription.got.length === 3, "three publications");
  await server("cut");
  await server("confirm", CAMPAIGN, 3000, 3);
  await server("confirm", CAMPAIGN, 4000, 4);
  await server("mend");
  await until(() => subscription.got.length === 5, "recovery");
  await server("confirm", CAMPAIGN, 5000, 5);
  await until(() => subscription.got.length === 6, "live again");
  await server("new epoch");
  await server("cut");
  await server("mend");
  await until(() => subscription.seen.length === 3, "subscribed in another epoch");
  const { got, seen } = subscription;
  made.disconnect();
  return { got, seen };
}

async function channels() {
  const made = client({ token: await server("token", 120) });
  const own = follow(made, CAMPAIGN);
  const foreign = follow(made, "user:88");
  const unknown = follow(made, "weather:today");
  made.connect();
  await until(() => own.seen.length && foreign.seen.length && unknown.seen.length, "three answers");
  const top = await own.history({ limit: 0 });
  const page = await own.history({ limit: 2, since: { offset: 1000, epoch: top.epoch } });
  const last = await own.history({ limit: 1, reverse: true });
  const result = {
    foreign: foreign.seen,
    unknown: unknown.seen,
    top: [top.offset, top.publications.length],
    page: page.publications.map((publication) => publication.offset),
    last: last.publications.map((publication) => publication.offset),
    errors: {
      history: await code(own.history({ limit: 1, since: { offset: 1, epoch: "elsewhere" } })),
      publish: await code(own.publish({})),
      presence: await code(own.presence()),
      presenceStats: await code(own.presenceStats()),
      rpc: await code(made.rpc("anything", {})),
    },
  };
  own.unsubscribe();
  await made.rpc("anything", {}).catch(() => null); // behind it, the unsubscribe is done
  await server("confirm", CAMPAIGN, 6000, 6);
  own.subscribe();
  await until(() => own.seen.length === 3, "subscribed again");
  result.again = own.seen[2].recovered;
  result.got = own.got;
  made.disconnect();
  return result;
}

async function tokens() {
  const expired = client({ token: await server("token", -5), getToken: () => server("token", 120) });
  expired.connect();
  await until(() => expired.seen.at(-1)?.[0] === "connected", "connected with a new token");
  expired.disconnect();

  let refreshes = 0;
  const refreshing = client({
    token: await server("token", 2),
    getToken: () => {
      refreshes += 1;
      return server("token", 2);
    },
  });
  refreshing.connect();
  await until(() => refreshes === 2, "refreshed twice");
  await refreshing.rpc("anything", {}).catch(() => null);
  const stayed = [...refreshing.seen];
  refreshing.disconnect();

  const forged = client({ token: "forged" });
  forged.connect();
  await until(() => forged.seen.at(-1)?.[0] === "disconnected", "the forged token");
  return { expired: expired.seen, stayed, forged: forged.seen };
}

const result = { recovery: await recovery(), channels: await channels(), tokens: await tokens() };
process.stdout.write(JSON.stringify({ result }) + "\n");
process.exit(0);
