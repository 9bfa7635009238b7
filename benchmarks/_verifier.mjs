// Verifies topics in headless Chromium with the browser client, and prints the seconds that each took as JSON.
// Arguments: where playwright-core is, path of the browser. On stdin: {"pin", "key", "runs", "topics": {name: rows}}

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const [packages, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(packages)("playwright-core");
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const asked = JSON.parse(Buffer.concat(chunks));
const built = await readFile(new URL("../bridge/web/client/dist/hcs-bridge.js", import.meta.url), "utf8");

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const page = await browser.newPage();
await page.route("http://localhost/**", (route) => {
  const isScript = route.request().url().endsWith(".js");
  const [body, contentType] = isScript ? [built, "text/javascript"] : ["", "text/html"];
  return route.fulfill({ body, contentType });
});
await page.goto("http://localhost/");
const seconds = await page.evaluate(async ({ pin, key, runs, topics }) => {
  const { epochOf, KeyTable, parseMessages, TopicReader } = await import("/hcs-bridge.js");
  const unhex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
  const keys = new KeyTable();
  keys.add("campaign:1", await epochOf(unhex(key)));

  async function once({ topicId, rows, events }) {
    const began = performance.now();
    const rules = { context: { network: "devnet", topicId }, campaignId: "1", pin: unhex(pin), keys };
    const reader = new TopicReader(rules);
    let found = 0;
    for (let at = 0; at < rows.length; at += 100)
      for await (const _ of reader.read(parseMessages({ messages: rows.slice(at, at + 100) }))) found += 1;
    if (found !== events || reader.doubt !== null) throw new Error(`${found} of ${events} events, ${reader.doubt}`);
    return (performance.now() - began) / 1000;
  }

  const taken = {};
  for (let run = 0; run < runs; run += 1)
    for (const [name, topic] of Object.entries(topics)) (taken[name] ??= []).push(await once(topic));
  return taken;
}, asked);
await browser.close();
process.stdout.write(JSON.stringify(seconds) + "\n");
