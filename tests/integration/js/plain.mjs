// Reads the plain socket with npm ws, opens what is encrypted as Node's own crypto does, and prints each message as one
// line of JSON, until stdin closes. First line of stdin: {"url", "key"}
import { createDecipheriv } from "node:crypto";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const opened = (key, data) => {
  const [iv, sealed] = data.split(":").map((part) => Buffer.from(part, "hex"));
  const decipher = createDecipheriv("aes-256-cbc", Buffer.from(key, "hex"), iv);
  return JSON.parse(Buffer.concat([decipher.update(sealed), decipher.final()]).toString("utf8"));
};

const lines = createInterface({ input: process.stdin });
lines.once("line", (line) => {
  const { url, key } = JSON.parse(line);
  const say = (what) => process.stdout.write(JSON.stringify(what) + "\n");
  const socket = new WebSocket(url);
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    say(message.encrypted ? { ...message, data: opened(key, message.data) } : message);
  });
  socket.on("close", (code, reason) => say({ closed: code, reason: reason.toString() }));
});
lines.on("close", () => process.exit(0));
