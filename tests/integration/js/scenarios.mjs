// What the public npm client does with a gateway, unchanged, in Node as in a browser: one scenario for each promise of
// docs/client.md. What the server has to do in between is asked for by `server(action, ...arguments)`.

const DEADLINE_MS = 20_000;
const USER = "77";

async function until(condition, what) {
  const end = Date.now() + DEADLINE_MS;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const same = (found, wanted) => JSON.stringify(found) === JSON.stringify(wanted);

function equal(found, wanted) {
  if (!same(found, wanted)) throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
}

async function code(promise) {
  try {
    await promise;
    return 0;
  } catch (error) {
    return error.code;
  }
}

// Over Protobuf data comes as it is, in bytes.
const read = (data) => (data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data);

const place = (context) => [context.wasRecovering, context.recovered, context.streamPosition?.offset];

export function scenarios({ Centrifuge, options: needed, url, server }) {
  const token = (claims = {}, lives_s = 120) => server("token", lives_s, claims);

  function client(options) {
    const made = new Centrifuge(url, { ...needed, minReconnectDelay: 10, maxReconnectDelay: 50, ...options });
    made.seen = [];
    for (const event of ["connecting", "connected", "disconnected", "error"])
      made.on(event, (context) => made.seen.push([event, context.code ?? context.error?.code ?? null]));
    made.last = (event, number) => until(() => same(made.seen.at(-1), [event, number]), `${event} ${number}`);
    made.connect();
    return made;
  }

  function follow(made, channel, options) {
    const subscription = made.newSubscription(channel, { minResubscribeDelay: 10, maxResubscribeDelay: 50, ...options });
    Object.assign(subscription, { got: [], seen: [], others: [] });
    subscription.on("publication", (context) => subscription.got.push([context.offset ?? null, read(context.data).data.n]));
    subscription.on("subscribed", (context) => subscription.seen.push(context));
    subscription.on("subscribing", (context) => subscription.others.push(["subscribing", context.code]));
    subscription.on("unsubscribed", (context) => subscription.others.push(["unsubscribed", context.code]));
    subscription.on("error", (context) => subscription.others.push(["error", context.error.code]));
    subscription.joined = (count) => until(() => subscription.seen.length >= count, `${channel} subscribed ${count}`);
    subscription.gets = (count) => until(() => subscription.got.length >= count, `${channel}: ${count} publications`);
    subscription.ended = (number) =>
      until(() => same(subscription.others.at(-1), ["unsubscribed", number]), `${channel} ended with ${number}`);
    subscription.subscribe();
    return subscription;
  }

  return {
    async recovery() {
      const made = client({ token: await token() });
      const campaign = follow(made, "campaign:1");
      await campaign.joined(1);
      const { recoverable, positioned, data } = campaign.seen[0];
      equal([recoverable, positioned, read(data)], [true, true, { open: [], rejected: [] }]);
      await server("confirm", "campaign:1", 1000, 1);
      await server("confirm", "campaign:1", 2000, 2);
      await server("provisional", "campaign:1", 3);
      await campaign.gets(3);
      await server("cut");
      await server("confirm", "campaign:1", 3000, 3);
      await server("confirm", "campaign:1", 4000, 4);
      await server("mend");
      await campaign.gets(5);
      await server("confirm", "campaign:1", 5000, 5);
      await campaign.gets(6);
      await server("new epoch");
      await server("cut");
      await server("mend");
      await campaign.joined(3);
      equal(campaign.got, [[1000, 1], [2000, 2], [null, 3], [3000, 3], [4000, 4], [5000, 5]]);
      equal(campaign.seen.map(place), [[false, false, 0], [true, true, 2000], [true, false, 5000]]);
      made.disconnect();
    },

    async positions() {
      for (const n of [1, 2, 3]) await server("confirm", `user:${USER}`, n, n);
      const made = client({ token: await token() });
      const fresh = follow(made, `user:${USER}`); // a new device begins at the top
      await fresh.joined(1);
      equal([place(fresh.seen[0]), fresh.got], [[false, false, 3], []]);
      const { epoch } = fresh.seen[0].streamPosition;
      const page = await fresh.history({ limit: 2, since: { offset: 0, epoch } }); // and pages back
      equal(page.publications.map((publication) => publication.offset), [1, 2]);
      made.removeSubscription(fresh);
      for (const [since, wanted, got] of [
        [{ offset: 1, epoch }, [true, true, 1], [[2, 2], [3, 3]]], // one that kept its place goes on from there
        [{ offset: 0, epoch: "" }, [true, true, 0], [[1, 1], [2, 2], [3, 3]]],
        [{ offset: 1, epoch: "elsewhere" }, [true, false, 3], []],
        [{ offset: 9, epoch }, [true, false, 3], []],
      ]) {
        const kept = follow(made, `user:${USER}`, { since });
        await kept.joined(1);
        await made.rpc("", {}).catch(() => null); // behind it, all is delivered
        equal([place(kept.seen[0]), kept.got], [wanted, got]);
        made.removeSubscription(kept);
      }
      made.disconnect();
    },

    async state() {
      const made = client({ token: await token({ campaigns: ["state"] }) });
      const answers = [{ offset: 7, epoch: "elsewhere" }, { offset: 0, epoch: "" }];
      let asked = 0;
      const campaign = follow(made, "campaign:state", { getState: async () => answers[asked++] });
      await campaign.joined(1);
      equal([asked, campaign.seen[0].recovered], [2, true]); // error 112 in between
      made.disconnect();
    },

    async history() {
      for (const n of [1, 2, 3, 4, 5]) await server("confirm", "campaign:history", n * 1000, n);
      const made = client({ token: await token({ campaigns: ["history"] }) });
      const campaign = follow(made, "campaign:history");
      const offsets = async (options) => (await campaign.history(options)).publications.map((each) => each.offset);
      await campaign.joined(1);
      const top = await campaign.history({});
      equal([top.offset, top.publications], [5000, []]);
      equal(await offsets({ limit: 2, since: { offset: 1000, epoch: top.epoch } }), [2000, 3000]);
      equal(await offsets({ limit: -1 }), [1000, 2000, 3000, 4000, 5000]);
      equal(await offsets({ limit: 1, reverse: true }), [5000]);
      equal(await offsets({ limit: 9, reverse: true, since: { offset: 3000, epoch: top.epoch } }), [2000, 1000]);
      equal(await code(campaign.history({ limit: 1, since: { offset: 1, epoch: "elsewhere" } })), 112);
      made.disconnect();
    },

    async refusals() {
      const made = client({ token: await token({ campaigns: ["own"] }) });
      const own = follow(made, "campaign:own", { delta: "fossil" }); // which is declined
      const foreign = follow(made, "user:88");
      const unknown = follow(made, "weather:today");
      const filtered = follow(made, "campaign:1", { tagsFilter: { key: "a", cmp: "eq", val: "b" } });
      const map = made.newMapSubscription(`user:${USER}`);
      const ended = new Promise((resolve) => map.on("unsubscribed", resolve));
      map.subscribe();
      await Promise.all([own.joined(1), foreign.ended(103), unknown.ended(102), filtered.ended(108)]);
      equal((await ended).code, 108);
      await server("confirm", "campaign:own", 1000, 1);
      await own.gets(1);
      equal(await code(own.publish({})), 103);
      equal(await code(made.publish("weather:today", {})), 102);
      equal(await code(made.rpc("anything", {})), 104);
      equal(await code(made.presence("user:88")), 103);
      own.unsubscribe();
      await made.rpc("", {}).catch(() => null); // behind it, the unsubscribe is done
      await server("confirm", "campaign:own", 2000, 2);
      await made.rpc("", {}).catch(() => null);
      equal(own.got, [[1000, 1]]);
      own.subscribe();
      await own.gets(2);
      equal(place(own.seen[1]), [true, true, 1000]);
      made.disconnect();
    },

    async presence() {
      const claims = { campaigns: ["presence"] };
      const [one, two] = [client({ token: await token(claims) }), client({ token: await token({ ...claims, user: "88" }) })];
      const listening = follow(one, "campaign:presence", { joinLeave: true });
      const heard = [];
      for (const event of ["join", "leave"]) listening.on(event, ({ info }) => heard.push([event, info.user]));
      await listening.joined(1);
      await follow(two, "campaign:presence").joined(1);
      const users = Object.values((await listening.presence()).clients).map((info) => info.user);
      equal(users.sort(), ["77", "88"]);
      const stats = await one.presenceStats("campaign:presence");
      equal([stats.numClients, stats.numUsers], [2, 2]);
      two.disconnect();
      await until(() => heard.length === 3, "the other leaves");
      equal(heard, [["join", "77"], ["join", "88"], ["leave", "88"]]);
      one.disconnect();
    },

    async tokens() {
      const expired = client({ token: await token({}, -5), getToken: () => token() });
      await expired.last("connected", null);
      equal(expired.seen.slice(0, 2), [["connecting", 0], ["error", 109]]);
      expired.disconnect();
      const forged = client({ token: "forged" });
      await forged.last("disconnected", 3500);
      const nobody = client({});
      await nobody.last("disconnected", 101);
      const header = client({ headers: { Authorization: `Bearer ${await token()}` } });
      await header.last("connected", null);
      header.disconnect();
    },

    async refreshing() {
      let refreshes = 0;
      const fresh = () => {
        refreshes += 1;
        return token({}, 1);
      };
      const made = client({ token: await token({}, 1), getToken: fresh });
      await until(() => refreshes === 2, "refreshed twice");
      await made.rpc("", {}).catch(() => null);
      equal(made.seen, [["connecting", 0], ["connected", null]]); // all in band
      made.disconnect();
    },

    async withoutTokenCallback() {
      const made = client({ token: await token({}, 1) });
      await made.last("disconnected", 1); // the client gives up by itself, and for good
    },

    async subscriptionTokens() {
      const user = "sub-tokens";
      const made = client({ token: await token({ user }) });
      let fetched = 0;
      const getToken = ({ channel }) => {
        fetched += 1;
        return token({ user, channel }, [-5, 1, 120][fetched - 1]);
      };
      const campaign = follow(made, "campaign:sub-tokens", { getToken });
      await campaign.joined(1);
      equal(campaign.others, [["subscribing", 0], ["error", 109]]);
      await until(() => fetched === 3, "refreshed in band");
      await made.rpc("", {}).catch(() => null);
      equal(campaign.state, "subscribed");
      const other = follow(made, "campaign:other", { token: await token({ user, channel: "campaign:sub-tokens" }) });
      await other.ended(103);
      made.disconnect();
    },

    async serverSide() {
      const [user, channel] = ["server-side", "campaign:server-side"];
      const made = client({ token: await token({ user, subs: { [channel]: {} } }), getToken: () => token({ user }) });
      const [got, seen, gone] = [[], [], []];
      made.on("publication", (context) => got.push([context.channel, context.offset ?? null, read(context.data).data.n]));
      made.on("subscribed", (context) => seen.push([context.channel, ...place(context)]));
      made.on("unsubscribed", (context) => gone.push(context.channel));
      await until(() => seen.length === 1, "subscribed by the server");
      await server("confirm", channel, 1000, 1);
      await server("provisional", channel, 2); // leaves the position alone
      await until(() => got.length === 2, "two publications");
      await follow(made, channel).ended(105);
      await server("disconnect", user, 3000);
      await server("confirm", channel, 2000, 2);
      await server("confirm", channel, 3000, 3);
      await until(() => got.length === 4, "recovery");
      equal(got, [[channel, 1000, 1], [channel, null, 2], [channel, 2000, 2], [channel, 3000, 3]]);
      equal(seen, [[channel, false, false, 0], [channel, true, true, 1000]]);
      await server("unsubscribe", user, channel, 2000);
      await until(() => gone.length === 1, "unsubscribed by the server");
      made.disconnect();
    },

    async unsubscribes() {
      const [user, channel] = ["unsubscribes", "campaign:unsubscribes"];
      const made = client({ token: await token({ user }) });
      let fetched = 0;
      const getToken = () => {
        fetched += 1;
        return token({ user, channel });
      };
      const campaign = follow(made, channel, { getToken });
      await campaign.joined(1);
      await server("confirm", channel, 1000, 1);
      await campaign.gets(1);
      await server("unsubscribe", user, channel, 2500); // back at once, from its place
      await campaign.joined(2);
      await server("unsubscribe", user, channel, 2502); // back with a new token, its place forgotten
      await campaign.joined(3);
      equal([fetched, campaign.seen.map(place)], [2, [[false, false, 0], [true, true, 1000], [true, false, 1000]]]);
      await server("unsubscribe", user, channel, 2000); // for good
      await campaign.ended(2000);
      equal(campaign.others, [["subscribing", 0], ["subscribing", 2500], ["subscribing", 2502], ["unsubscribed", 2000]]);
      made.disconnect();
    },

    async disconnects() {
      const user = "disconnects";
      let fetched = 0;
      const getToken = () => {
        fetched += 1;
        return token({ user });
      };
      const made = client({ token: await token({ user }), getToken });
      const campaign = follow(made, `user:${user}`);
      await campaign.joined(1);
      const messages = [];
      made.on("message", ({ data }) => messages.push(read(data)));
      await server("message", user, '{"n":1}');
      await until(() => messages.length === 1, "a message");
      equal(messages, [{ n: 1 }]);
      await server("disconnect", user, 3001);
      await campaign.joined(2);
      equal(fetched, 0);
      await server("disconnect", user, 3014); // token and places no longer count
      await campaign.joined(3);
      equal([fetched, campaign.seen.map((context) => context.recovered)], [1, [false, true, false]]);
      await server("disconnect", user, 3503); // for good
      await made.last("disconnected", 3503);
      const codes = made.seen.filter(([event]) => event !== "connected").map(([, number]) => number);
      equal(codes, [0, 3001, 3014, 3503]);
    },
  };
}

// The first cuts everybody off, so it goes alone; the others side by side. What each came to: "passed", or why not.
export async function play(stage) {
  const { recovery, ...others } = scenarios(stage);
  const outcome = async ([name, scenario]) => {
    try {
      await scenario();
      return [name, "passed"];
    } catch (error) {
      return [name, String(error?.stack ?? JSON.stringify(error))];
    }
  };
  const first = await outcome(["recovery", recovery]);
  return Object.fromEntries([first, ...(await Promise.all(Object.entries(others).map(outcome)))]);
}
