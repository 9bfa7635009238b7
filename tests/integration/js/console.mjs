// Works at the console in headless Chromium as an operator does, and prints what it saw. GIVEN, JSON in the environment:
// all (lights and screens, not two of them), url, key (may do all), readingKey (console:read), parked and confirmed (ids of events), pictures (a directory), browser.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const given = JSON.parse(process.env.GIVEN);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const DESKTOP = { width: 1280, height: 900 }, PHONE = { width: 360, height: 740 };
const SOME = given.all ? "campaigns" : "campaigns?halted=true"; // a page of fifty takes axe a second
const VIEWS = { overview: "", campaigns: SOME, timeline: "campaigns/spring-2026", outbox: "outbox", spend: "spend", network: "network" };
const complaints = [], outside = [], urls = [], unreached = [], barriers = [], overflowing = [], pictures = [];

const browser = await chromium.launch({ executablePath: given.browser, args: ["--no-sandbox", "--disable-gpu", ...quiet] });

async function opened(options = {}) {
  const context = await browser.newContext({ viewport: DESKTOP, colorScheme: "light", ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  page.on("request", (request) => {
    urls.push(request.url());
    if (!request.url().startsWith(`${given.url}/`)) outside.push(request.url());
  });
  return page;
}

/** From here on nothing may be said on the console. */
function listen(page) {
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
}

const heading = (page, name) => page.getByRole("heading", { level: 1, name }).waitFor();

async function signIn(page, key) {
  await page.goto(`${given.url}/web/console`);
  await page.getByLabel("API key").fill(key);
  await page.keyboard.press("Enter");
}

async function show(page, name) {
  await page.goto(`${given.url}/web/console/#/${VIEWS[name]}`);
  await heading(page, name === "timeline" ? "spring-2026" : new RegExp(name, "i"));
  await page.getByText("Loading …").waitFor({ state: "detached" });
}

/** What axe holds against the page, as far as it is serious; and whether it is wider than the screen. */
async function examine(page, what) {
  await page.screenshot({ path: `${given.pictures}/${what}.png`, fullPage: true });
  pictures.push(what);
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, nodes } of found.violations) {
    if (["serious", "critical"].includes(impact)) barriers.push(`${what}: ${id}: ${nodes[0].html}`);
  }
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > screen) overflowing.push(`${what}: ${wide} > ${screen}`);
}

/** Tabs through the page once; what can be worked and wasn't reached is noted. */
async function walk(page, what) {
  const missed = await page.evaluate(() => {
    const workable = "a[href], button:not(:disabled), input:not([type=radio]), input[type=radio]:checked, summary";
    window.left = new Set([...document.querySelectorAll(workable)].filter((one) => one.checkVisibility()));
    document.activeElement.blur();
    document.addEventListener("focusin", (event) => window.left.delete(event.target));
    return window.left.size;
  });
  for (let presses = 0; presses <= missed; presses++) await page.keyboard.press("Tab");
  unreached.push(...(await page.evaluate(() => [...window.left].map((one) => one.outerHTML))).map((html) => `${what}: ${html}`));
}

try {
  const page = await opened();
  await signIn(page, "not a key");
  await page.getByRole("alert").getByText("this API key is not known").waitFor();
  await page.goto("about:blank");
  listen(page);
  await page.goto(`${given.url}/web/console/`);
  await examine(page, "sign-in light desktop");
  await signIn(page, given.key);
  await heading(page, "Overview");
  assert.deepEqual(await page.evaluate(() => [Object.values(localStorage), document.cookie]), [[], ""]);

  // Overview
  await page.getByText("1 topic halted").waitFor();
  await page.getByText("1 event parked").waitFor();
  await page.locator(".figure", { hasText: "campaigns" }).getByText("61", { exact: true }).waitFor();
  await walk(page, "overview");

  // Campaigns: pages, search, halted ones
  await page.getByRole("link", { name: "Campaigns", exact: true }).click();
  const rows = page.locator("tbody tr");
  await rows.nth(49).waitFor();
  await page.getByRole("button", { name: "Next" }).click();
  await rows.filter({ hasText: "spring-2026" }).getByText("verified").waitFor();
  assert.equal(await rows.count(), 11);
  await walk(page, "campaigns");
  await page.getByLabel("halted only").check();
  await rows.filter({ hasText: "running hash mismatch at message 10" }).waitFor();
  await page.getByLabel("halted only").uncheck();
  await page.getByLabel("Search").fill("MMER");
  await page.getByRole("link", { name: "summer-2026" }).press("Enter");

  await heading(page, "summer-2026");
  await page.getByText("2 chunks").waitFor();
  await show(page, "timeline");
  const event = page.locator(".event", { hasText: given.confirmed });
  for (const step of ["accepted", "sealed", "submitted", "consensus", "relayed"]) {
    await event.locator('[data-reached="true"]', { hasText: step }).waitFor();
  }
  await event.getByText(/^after \d/).waitFor();
  await event.getByText(/^offset \d/).waitFor();
  await page.locator(".event", { hasText: "to a user" }).waitFor();
  await page.locator('.event[data-state="parked"]', { hasText: "MESSAGE_SIZE_TOO_LARGE" }).waitFor();
  await walk(page, "timeline");

  // Spend, network
  await show(page, "spend");
  await page.locator(".figure", { hasText: "events paid today" }).locator("dd").getByText(/^[1-9]/).waitFor();
  await page.getByRole("progressbar", { name: "Today’s budget" }).waitFor();
  await page.getByRole("progressbar", { name: "Budget of operator" }).waitFor();
  await page.locator("canvas").nth(1).waitFor();
  await walk(page, "spend");
  await show(page, "network");
  await rows.filter({ hasText: "0.0.3" }).getByText("answers").waitFor();
  await page.getByText("up", { exact: true }).waitFor();
  await rows.filter({ hasText: "spring-2026" }).getByText("1", { exact: true }).waitFor();
  assert.equal(await page.getByText("private-77").count(), 0);
  await walk(page, "network");


  // Every view in both lights and on both screens
  for (const theme of ["light", "dark"]) {
    for (const [size, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      if (!given.all && (theme === "dark") !== (size === "phone")) continue;
      await page.setViewportSize(viewport);
      for (const name of Object.keys(VIEWS)) {
        await show(page, name);
        await examine(page, `${name} ${theme} ${size}`);
      }
    }
    if (theme === "light") await page.getByRole("button", { name: "Use the dark theme" }).click();
  }

  await page.setViewportSize(DESKTOP);
  await show(page, "overview"); // by now it has seen two numbers, and knows a rate
  await page.getByRole("img", { name: /^Throughput: \d/ }).waitFor();

  // Who may only look
  const onlooker = await opened({ colorScheme: "dark" });
  listen(onlooker);
  await signIn(onlooker, given.readingKey);
  await onlooker.getByRole("link", { name: "Look" }).last().click();
  await onlooker.getByText("the key needs the scope outbox:write").waitFor();
  await onlooker.getByText(given.parked).waitFor();
  assert.equal(await onlooker.getByRole("button", { name: "Retry" }).count(), 0);
  assert.equal(await onlooker.evaluate(() => document.documentElement.dataset.theme), "dark");

  // The parked event goes again
  await show(page, "outbox");
  await walk(page, "outbox");
  await page.getByRole("button", { name: `Retry ${given.parked}` }).press("Enter");
  await page.getByText("1 event in line again.").waitFor();
  await page.getByText("Nothing is parked.").waitFor();
  await show(page, "timeline");
  await page.locator('.event[data-state="confirmed"]', { hasText: given.parked }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("API key").waitFor();
  assert.deepEqual(await page.evaluate(() => Object.values(sessionStorage)), []);
  console.log(JSON.stringify({ complaints, outside, urls, unreached, barriers, overflowing, pictures }));
} finally {
  await browser.close();
}
