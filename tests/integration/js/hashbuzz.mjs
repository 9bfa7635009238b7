// A user of the example's page in headless Chromium: logs in, makes a campaign, says "ready" when it is followed, and
// prints what came up by itself while somebody else changed it. Arguments: URL, path of the browser.
import { chromium } from "playwright-core";

const [url, executablePath] = process.argv.slice(2);
const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
const complaints = [];
try {
  const page = await browser.newPage();
  const asked = new Map(), missing = new Set(["campaign:1", "campaign:2"]); // the first was there before
  const lines = ({ payload }) => String(payload).split("\n").filter(Boolean).map((line) => JSON.parse(line));
  const followed = new Promise((resolve) => {
    page.on("websocket", (socket) => {
      socket.on("framesent", (frame) => lines(frame).forEach(({ id, subscribe }) => asked.set(id, subscribe?.channel)));
      socket.on("framereceived", (frame) => lines(frame).forEach(({ id, subscribe }) => {
        if (subscribe && missing.delete(asked.get(id)) && !missing.size) resolve();
      }));
    });
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator("output", { hasText: "connected" }).waitFor();
  await page.getByLabel("Name").fill("Spring");
  await page.getByRole("button", { name: "New campaign" }).click();
  const row = page.locator("tr", { hasText: "Spring" });
  await row.waitFor();
  await followed;
  const before = await row.locator("td").allInnerTexts();
  console.log("ready");
  const toasts = page.getByRole("status").locator("p");
  await toasts.nth(1).waitFor(); // of this campaign, and of one that was there before
  const place = row.locator("td").nth(2); // its creation may have one by now
  await place.filter({ hasText: /0\.0\.\d+ #\d+/, hasNotText: before[2] || "none yet" }).waitFor();
  const after = await row.locator("td").allInnerTexts();
  const readable = await page.evaluate(() => document.cookie);
  console.log(JSON.stringify({ before, after, toasts: await toasts.allInnerTexts(), readable, complaints }));
} finally {
  await browser.close();
}
