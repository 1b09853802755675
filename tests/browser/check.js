// check.js - report and viewer in a real browser: a person's way through them, what is asked of whom,
// and whether everybody can read it.
//
// Usage: node check.js REPORT.html VIEW_URL LIVE_RUN [SCREENSHOTS]
// Needs playwright-core and axe-core where node finds them; run.sh makes what it looks at.
"use strict";
const { chromium } = require("playwright-core");
const axe = require("fs").readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [report, view, live, shots] = process.argv.slice(2);
const origin = new URL(view).origin;
let failed = 0;
const check = (good, what) => {
  console.log((good ? "ok   " : "FAIL ") + what);
  if (!good) failed++;
};

const watched = async (browser, options) => {
  const page = await (await browser.newContext(options)).newPage();
  page.setDefaultTimeout(20000);
  page.trouble = [];
  page.on("console", m => { if (m.type() == "error") page.trouble.push(m.text()); });
  page.on("pageerror", e => page.trouble.push(e.message));
  page.on("request", r => {
    const url = r.url();
    if (!url.startsWith("file://") && !url.startsWith(origin)) page.trouble.push("asked " + url);
  });
  return page;
};
const is_open = (page, id) => page.evaluate(i => document.getElementById(i).open, id);
const seen = page => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1);

// A step, its feedback, the example that it came from.
async function follow(page, where) {
  const step = await page.evaluate(() => {
    const link = document.querySelector("details[id^='s1p'] a[href^='#s1t']");
    return link && link.closest("details[id^='s1p']").id;
  });
  check(step, where + ": a step leads to an example that it learned from");
  const dot = page.locator(`svg.strip a[href='#${step}']`).first();
  if (await dot.count()) await dot.click(); else await page.goto(page.url() + "#" + step);
  check(await is_open(page, step), where + ": a dot of the strip opens its step");
  const quote = page.locator(`#${step} .why .quote`);
  check(await quote.count() > 0, where + ": feedback stands beside the change");
  await page.evaluate(s => document.querySelectorAll(`#${s} details`).forEach(d => d.open = true),
    step);
  const link = page.locator(`#${step} a[href^='#s1t']`).first();
  const target = (await link.getAttribute("href")).slice(1);
  await link.click();
  check(await is_open(page, target), where + ": the feedback leads to its example");
  check((await page.locator(`#${target} pre`).first().textContent()).length > 0,
    where + ": which shows its input");
  return target;
}

async function sorts_and_filters(page, where) {
  const first = () => page.locator("#s1table tbody tr td:first-child").first().textContent();
  await page.locator("#s1table th").nth(0).click();
  await page.locator("#s1table th").nth(0).click();
  const top = await first();
  check(!/^0$/.test(top.trim()), where + ": a click on a column sorts");
  await page.evaluate(() => document.getElementById("s1answers").open = true);
  const shown = () => page.locator("#s1answers > details:visible").count();
  const all = await shown();
  await page.selectOption("#s1flips", "broke");
  const some = await shown();
  check(some < all, where + ": examples are filtered by flips");
  await page.reload();
  check(await first() == top, where + ": the order is kept in the address");
  check(await page.locator("#s1flips").inputValue() == "broke" && await shown() == some,
    where + ": so is the filter");
}

async function for_everybody(page, where) {
  await page.evaluate(() => document.querySelectorAll("details").forEach(d => d.open = true));
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  const bad = found.violations.filter(v => v.impact == "serious" || v.impact == "critical");
  for (const v of bad) console.log("     " + v.id + ": " + v.help + " " + v.nodes[0].html.slice(0, 120)
    + " " + (v.nodes[0].any[0] || { message: "" }).message);
  check(bad.length == 0, where + ": nothing serious for axe");
}

async function look(browser) {
  for (const width of [1280, 390]) for (const colorScheme of ["light", "dark"]) {
    const where = `report ${width} ${colorScheme}`;
    const page = await watched(browser, { viewport: { width, height: 900 }, colorScheme });
    await page.goto("file://" + report);
    check(await seen(page), where + ": nothing sticks out");
    if (shots) await page.screenshot({ path: `${shots}/${width}-${colorScheme}.png`, fullPage: true });
    if (colorScheme == "light") {
      await follow(page, where);
      await sorts_and_filters(page, where);
    }
    await for_everybody(page, where);
    check(page.trouble.length == 0, where + ": no error, no foreign request " + page.trouble);
    await page.context().close();
  }
}

async function without_scripts(browser) {
  const page = await watched(browser, { javaScriptEnabled: false });
  await page.goto("file://" + report);
  for (const id of ["s1p1", "s1texts", "s1candidates", "s1e1", "s1graph", "s1g1n1"])
    check(await page.locator("#" + id).count() == 1, "without scripts: there is " + id);
  await page.locator("#s1p1 > summary").click();
  check(await page.locator("#s1p1 .why").isVisible(), "without scripts: a step opens");
  await page.context().close();
}

// Renewed while it goes, and what is open stays open; then asked to stop.
async function watch_live(browser) {
  const page = await watched(browser, { viewport: { width: 1280, height: 900 } });
  await page.goto(view);
  await page.locator("a", { hasText: live }).first().click();
  await page.waitForSelector("nav");
  const calls = () => page.locator(".tiles b").first().textContent();
  const before = await calls();
  await page.waitForFunction(b => document.querySelector(".tiles b").textContent != b, before);
  check(true, "view: a live run is renewed by itself");
  const button = page.locator("button", { hasText: "stop" });
  check(await button.count() == 1, "view: it has a button that stops it");
  await button.click();
  await page.waitForFunction(() => {
    const line = document.querySelector("h1 + p");
    return line && !/running/.test(line.textContent);
  });
  check(/interrupted/.test(await page.locator("h1 + p").textContent()), "view: the button stops it");
  await for_everybody(page, "view");
  check(page.trouble.length == 0, "view: no error, no foreign request " + page.trouble);
  await page.context().close();
}

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox"] });
  await look(browser);
  await without_scripts(browser);
  await watch_live(browser);
  await browser.close();
  process.exit(failed ? 1 : 0);
})().catch(e => { console.log("FAIL " + e.stack); process.exit(1); });
