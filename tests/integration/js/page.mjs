// Opens the live page in headless Chromium, waits until events have been provisional and confirmed there, reloads it,
// and prints what it saw. Arguments: URL, path for a screenshot, path of the browser.
import { chromium } from "playwright-core";

const [url, screenshot, executablePath] = process.argv.slice(2);
const quiet = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", ...quiet] });
const complaints = [];
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 960 } });
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  const confirmed = page.locator('#timeline > [data-phase="confirmed"]');
  await page.locator('#timeline > [data-phase="provisional"]').first().waitFor();
  await confirmed.nth(4).waitFor();
  await page.screenshot({ path: screenshot });
  const before = await confirmed.allInnerTexts();
  await page.reload();
  await confirmed.nth(before.length - 1).waitFor();
  const link = await confirmed.first().locator("a").first().getAttribute("href");
  const state = await page.locator("#connection").innerText();
  console.log(JSON.stringify({ confirmed: before.length, link, state, complaints }));
} finally {
  await browser.close();
}
