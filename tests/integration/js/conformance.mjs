// Plays the scenarios in Node with the build of the client that the second argument names, or with the path of a browser
// as third argument in headless Chromium, and prints how each ended as one line of JSON. What the server has to do in
// between is asked for over stdout, one JSON array a line: [action, ...arguments]; the answer comes as one line of JSON on
// stdin.

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";
import WebSocket from "ws";
import { play } from "./scenarios.mjs";

const [address, build, executablePath, origin] = process.argv.slice(2);
const { Centrifuge } = await import(build);
const streamed = address.startsWith("http:");  // the client's own fallback, in place of a WebSocket
const url = streamed ? [{ transport: "http_stream", endpoint: address }] : address;
const emulationEndpoint = streamed ? new URL("/emulation", address).href : undefined;
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function server(...request) {
  process.stdout.write(JSON.stringify(request) + "\n");
  return JSON.parse((await answers.next()).value);
}

// The last: pages that no server gave count as public, and may not reach this machine.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-features=LocalNetworkAccessChecks",
];

async function inBrowser() {
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const page = await browser.newPage();
    const file = (name) => readFile(new URL(name, import.meta.url), "utf8");
    const files = {
      "/": "<!doctype html><script src='centrifuge.js'></script>",
      "/centrifuge.js": await file("node_modules/centrifuge/dist/centrifuge.js"),
      "/scenarios.mjs": await file("scenarios.mjs"),
    };
    await page.route(`${origin}/**`, (route) => {
      const { pathname } = new URL(route.request().url());
      return route.fulfill({ body: files[pathname], contentType: pathname === "/" ? "text/html" : "text/javascript" });
    });
    await page.exposeFunction("server", server);
    await page.goto(origin);
    return await page.evaluate(async ({ url, options }) => {
      const { play } = await import("/scenarios.mjs");
      return play({ Centrifuge: window.Centrifuge, options, url, server: window.server });
    }, { url, options: streamed ? { emulationEndpoint } : {} });
  } finally {
    await browser.close();
  }
}

const result = await (executablePath ? inBrowser() : play({ Centrifuge, options: { websocket: WebSocket, ...(streamed && { emulationEndpoint }) }, url, server }));
process.stdout.write(JSON.stringify({ result }) + "\n");
process.exit(0);
