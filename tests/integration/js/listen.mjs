// Subscribes with npm centrifuge, unchanged, and prints every publication as one line of JSON until stdin closes.
// First line of stdin: {"url", "token", "channels": [...]}
import { createInterface } from "node:readline";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const lines = createInterface({ input: process.stdin });
lines.once("line", (line) => {
  const { url, token, channels } = JSON.parse(line);
  const client = new Centrifuge(url, { token, websocket: WebSocket });
  const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
  client.on("disconnected", (context) => say({ disconnected: context.code, reason: context.reason }));
  client.on("error", (context) => say({ error: context.error.code, message: context.error.message }));
  for (const channel of channels) {
    const subscription = client.newSubscription(channel, { recoverable: true, positioned: true });
    subscription.on("subscribed", (context) => say({ subscribed: channel, recovered: context.recovered }));
    subscription.on("publication", ({ offset, data }) => say({ channel, offset: offset ?? null, data }));
    subscription.subscribe();
  }
  client.connect();
});
lines.on("close", () => process.exit(0));
