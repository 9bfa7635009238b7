// npm `ws` in the fan-out benchmark: `client.send(text)` in a loop. Takes orders as _speakers.py does; the first
// argument is the package.json beside whose node_modules `ws` lies.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const { WebSocketServer } = createRequire(process.argv[2])("ws");
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
let offset = 1_000_000;

async function work(order) {
  if (order.rounds === undefined) return { port: server.address().port };
  let text;
  for (let round = 0; round < order.rounds; round++) {
    for (let number = 0; number < order.burst; number++) {
      offset += 1;
      text = `{"push":{"channel":"campaign:1","pub":{"data":${order.data},"offset":${offset}}}}`;
      for (const client of server.clients) client.send(text);
    }
    await sleep(order.pause_s * 1000);
  }
  return { frame_bytes: Buffer.byteLength(text) + 4 }; // of 126 to 65,535 bytes
}

server.on("listening", async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await work(JSON.parse(line))) + "\n");
  }
  process.exit(0);
});
