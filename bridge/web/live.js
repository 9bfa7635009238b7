// The live page: subscribes to every campaign with the public centrifuge client, and shows each event's two phases.
"use strict";

(() => {
  const MAX_SHOWN = 200;
  const HISTORY = 50;
  const ANNOUNCE_MS = 8000;
  const STATUSES = {
    ApprovalPending: "waiting for approval",
    CampaignApproved: "approved",
    CampaignDeclined: "declined",
    CampaignRunning: "running",
    RewardDistributionInProgress: "handing out rewards",
    RewardsDistributed: "rewards handed out",
    InternalError: "stopped by an error",
  };
  const byId = (id) => document.getElementById(id);
  const events = new Map(); // meta.id → { phase, row, seenAt }
  const campaigns = new Map(); // campaign id → { parts of the card, last sequence, time of the newest event }
  const topics = new Set();
  const waits = []; // ms from provisional to confirmed, newest last
  let settings = null;
  let announced = 0;

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // What happened, for people: [bold, plain].
  function described(event, payload) {
    const progress = payload.progressToTarget;
    switch (event) {
      case "CAMPAIGN_STATUS_UPDATE":
        return [STATUSES[payload.newStatus] || payload.newStatus, payload.statusChangeReason || ""];
      case "CAMPAIGN_PUBLISHED_SUCCESS":
        return ["posted", payload.tweetId ? `post ${payload.tweetId}` : ""];
      case "CAMPAIGN_PUBLISH_ERROR":
        return ["not posted", payload.message];
      case "CAMPAIGN_CLOSED":
        return ["closed", payload.message || ""];
      case "CAMPAIGN_ENGAGEMENT_UPDATE": {
        const metrics = payload.engagementMetrics || {};
        const reached = progress === undefined ? "" : `, ${progress}\u00a0%`;
        return ["engagement", `${metrics.totalLikes} likes, ${metrics.totalRetweets} reposts, ${metrics.totalComments} comments${reached}`];
      }
      case "REWARD_DISTRIBUTION_UPDATE":
        return ["rewards", `${payload.processedCount} of ${payload.totalCount}`];
      default:
        return [event.toLowerCase().replaceAll("_", " "), payload.message || ""];
    }
  }

  // "1761840000.000000001" → milliseconds since 1970.
  const consensusMs = (text) => Number(text.split(".")[0]) * 1000 + Number(text.split(".")[1].slice(0, 3));
  const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false }) + "." + String(Math.floor(ms % 1000)).padStart(3, "0");

  function card(id) {
    if (campaigns.has(id)) return campaigns.get(id);
    const root = element("li", "campaign");
    const title = element("h3", "", (settings.titles && settings.titles[id]) || `Campaign ${id}`);
    const status = element("p", "status", "no news yet");
    const progress = element("progress");
    progress.max = 100;
    progress.value = 0;
    progress.setAttribute("aria-label", `Progress of campaign ${id}`);
    const place = element("p", "place", `campaign ${id}`);
    root.append(title, status, progress, place);
    byId("campaigns").append(root);
    const made = { root, status, progress, place, sequence: 0, newest: 0 };
    campaigns.set(id, made);
    return made;
  }

  function updateCard(publication) {
    const { meta, data, event } = publication;
    if (!meta.campaignId) return;
    const shown = card(meta.campaignId);
    if (meta.phase === "confirmed" && meta.sequence >= shown.sequence) {
      shown.sequence = meta.sequence;
      shown.place.textContent = `topic ${meta.topicId}, sequence number ${meta.sequence}`;
    }
    const at = Date.parse(data.timestamp) || 0;
    if (meta.phase === "rejected" || at < shown.newest) return; // history and confirmations come behind what is live
    shown.newest = at;
    if (event === "CAMPAIGN_STATUS_UPDATE") shown.status.textContent = described(event, data.payload)[0];
    if (data.payload.progressToTarget !== undefined) shown.progress.value = data.payload.progressToTarget;
    if (data.payload.newStatus === "RewardsDistributed") shown.progress.value = 100;
  }

  function fill(row, publication) {
    const { meta, data, event } = publication;
    const [bold, plain] = described(event, data.payload);
    const badge = element("span", "badge", meta.phase);
    badge.dataset.phase = meta.phase;
    const what = element("p", "what");
    const title = (settings.titles && settings.titles[meta.campaignId]) || `campaign ${meta.campaignId || "–"}`;
    what.append(element("b", "", bold), ` ${title} `, element("span", "", plain));
    const place = element("p", "place");
    if (meta.phase === "confirmed") {
      const link = element("a", "", `${meta.topicId} #${meta.sequence}`);
      link.href = `${settings.mirror}/api/v1/topics/${meta.topicId}/messages/${meta.sequence}`;
      link.title = "This message on the mirror node: sealed";
      const time = element("time", "", clock(consensusMs(meta.consensusTimestamp)));
      time.title = `consensus timestamp ${meta.consensusTimestamp}`;
      place.append(link, time);
    } else {
      place.textContent = meta.phase === "rejected" ? meta.reason || "refused" : "…";
    }
    row.dataset.phase = meta.phase;
    row.replaceChildren(badge, what, place);
  }

  function show(publication) {
    const { meta } = publication;
    const known = events.get(meta.id);
    if (known && known.phase === "confirmed") return; // final; what was rejected may be tried again
    const now = performance.now();
    const row = known ? known.row : element("li", "event");
    fill(row, publication);
    if (!known) insert(row, meta);
    if (known && meta.phase === "confirmed") waits.push(now - known.seenAt);
    events.set(meta.id, { phase: meta.phase, row, seenAt: known ? known.seenAt : now });
    if (meta.topicId) topics.add(meta.topicId);
    updateCard(publication);
    trim();
    count();
  }

  // Newest on top; what comes from history takes its place by consensus time.
  function insert(row, meta) {
    const timeline = byId("timeline");
    const at = meta.consensusTimestamp ? consensusMs(meta.consensusTimestamp) : Date.now();
    row.dataset.at = String(at);
    const below = [...timeline.children].find((other) => Number(other.dataset.at) <= at);
    timeline.insertBefore(row, below || null);
    byId("empty").hidden = true;
  }

  function trim() {
    const timeline = byId("timeline");
    while (timeline.children.length > MAX_SHOWN) timeline.lastElementChild.remove();
  }

  function count() {
    const phases = [...events.values()].map((entry) => entry.phase);
    const confirmed = phases.filter((phase) => phase === "confirmed").length;
    byId("count-provisional").textContent = phases.filter((phase) => phase === "provisional").length;
    byId("count-confirmed").textContent = confirmed;
    byId("count-topics").textContent = topics.size;
    const recent = waits.slice(-100).sort((a, b) => a - b);
    if (recent.length) byId("median").textContent = `${(recent[Math.floor(recent.length / 2)] / 1000).toFixed(1)} s`;
    if (Date.now() - announced > ANNOUNCE_MS) {
      announced = Date.now();
      byId("announcer").textContent = `${confirmed} events confirmed.`;
    }
  }

  function connection(state, text) {
    byId("connection").dataset.state = state;
    byId("connection").textContent = text || state;
  }

  async function load() {
    const answer = await fetch("demo.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(`demo.json: ${answer.status}`);
    settings = await answer.json();
    return settings;
  }

  function subscribe(client, channel) {
    const subscription = client.newSubscription(channel, { positioned: true, recoverable: true });
    subscription.on("publication", (context) => show(context.data));
    subscription.on("error", (context) => console.warn(channel, context.error.message));
    subscription.on("subscribed", async () => {
      try {
        const { publications } = await subscription.history({ limit: HISTORY, reverse: true });
        publications.reverse().forEach((publication) => show(publication.data));
      } catch (error) {
        console.warn(channel, "history:", error.message);
      }
    });
    subscription.subscribe();
  }

  async function start() {
    try {
      await load();
    } catch (error) {
      connection("disconnected", "no demo is running here");
      byId("empty").textContent = "This page shows the demo. Start it with: hcs-bridge demo";
      return;
    }
    const client = new Centrifuge(settings.gateway, { token: settings.token, getToken: async () => (await load()).token });
    client.on("connecting", () => connection("connecting"));
    client.on("connected", () => connection("connected"));
    client.on("disconnected", (context) => connection("disconnected", `disconnected: ${context.reason}`));
    for (const channel of settings.channels) {
      card(channel.slice(channel.indexOf(":") + 1));
      subscribe(client, channel);
    }
    client.connect();
  }

  start();
})();
