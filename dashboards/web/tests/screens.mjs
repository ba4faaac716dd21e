// Every screen against the mock centre: looks (screenshots), accessibility, policy, keys, pause, flood, lock.
import { start } from "../mock/server.mjs";
import { Trial } from "./chromium.mjs";

const trial = new Trial(new URL("../screenshots", import.meta.url).pathname);
if (!Trial.possible()) {
  console.log("screens: skipped: no Chromium");
  process.exit(0);
}
await trial.open();
const ca = await start({ centre: "ca" });
const settle = (page, ms = 500) => page.waitForTimeout(ms);
const only = process.argv[2];
const part = async (name, act) => {
  if (only && !name.includes(only)) return;
  try {
    await act();
  } catch (error) {
    trial.fault(`${name}: ${error.message.split("\n").slice(0, 6).join(" | ")}`);
  }
};
const look = async (page, name) => {
  await settle(page);
  await trial.shot(page, name);
  await trial.axe(page, name);
};
async function signedIn(base, path, options) {
  const page = await trial.page(options);
  await page.goto(`${base}${path}#token=bw_test`);
  await page.waitForSelector("header nav");
  trial.expect(!page.url().includes("token"), "the token stays in the address");
  return page;
}

await part("signin", async () => {
  const page = await trial.page();
  await page.goto(`${ca.url}/live`);
  await page.fill("#token", "wrong");
  await page.click("form button.primary");
  await page.waitForSelector("[role=alert]");
  await look(page, "signin");
  await page.fill("#token", "bw_right");
  await page.keyboard.press("Enter");
  await page.waitForSelector("header nav");
  await page.context().close();
});

for (const scheme of ["light", "dark"]) {
  await part(`live ${scheme}`, async () => {
    const page = await signedIn(ca.url, "/live", { colorScheme: scheme });
    await settle(page, 4000);
    await look(page, `live-${scheme}`);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector("aside article");
    await look(page, `live-open-${scheme}`);
    await page.keyboard.press("Escape");
    await page.waitForSelector("aside", { state: "detached" });
    await page.context().close();
  });
  for (const [name, path] of [["search", "/search?q=beacon"], ["border", "/border"], ["sensors", "/sensors"], ["quarantine", "/quarantine?open=indicator--11111111-2222-4333-8444-555555555555"], ["publish", "/publish"]]) {
    await part(`${name} ${scheme}`, async () => {
      const page = await signedIn(ca.url, path, { colorScheme: scheme });
      await look(page, `${name}-${scheme}`);
      await page.context().close();
    });
  }
  await part(`object ${scheme}`, async () => {
    const page = await signedIn(ca.url, `/objects/${ca.state.indicators.find((item) => ca.state.hits.some((hit) => hit.indicator === item.row.id)).row.id}`, { colorScheme: scheme, viewport: { width: 1440, height: 1800 } });
    await page.waitForSelector("article");
    await page.keyboard.press("d");
    await page.click("summary");
    await look(page, `object-${scheme}`);
    await page.context().close();
  });
}

await part("french", async () => {
  const page = await signedIn(ca.url, "/search?q=beacon");
  await page.click("a.language");
  await page.waitForSelector("html[lang=fr-CA]");
  await look(page, "search-fr");
  trial.expect(new URL(page.url()).searchParams.get("q") === "beacon", "the language switch loses the state");
  for (const path of ["live", "publish", "border"]) {
    await page.click(`header nav a[href="/${path}"]`);
    await settle(page, 800);
    await look(page, `${path}-fr`);
  }
  await page.context().close();
});

await part("keys", async () => {
  const page = await signedIn(ca.url, "/live");
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.waitForSelector("#q");
  await page.fill("#q", "hxxp://x[.]example type:indicator since:24h");
  await page.keyboard.press("Enter");
  await settle(page);
  await page.fill("#q", "type:indicator");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=row][aria-rowindex='3']");
  await page.locator("#q").blur();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForSelector("aside article");
  const first = await page.textContent("aside code");
  await page.keyboard.press("]");
  await page.waitForFunction((before) => document.querySelector("aside code")?.textContent !== before, first);
  await look(page, "search-open");
  await page.keyboard.press("Escape");
  await page.waitForSelector("aside", { state: "detached" });
  await page.keyboard.press("f");
  await page.keyboard.press("?");
  await page.waitForSelector("dialog[open]");
  await look(page, "help");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await page.waitForSelector("#commands");
  await look(page, "commands");
  await page.keyboard.press("Escape");
  await page.keyboard.press("End");
  await page.context().close();
});

await part("paging", async () => {
  const page = await signedIn(ca.url, "/search");
  await page.focus("[role=grid]");
  await page.keyboard.press("End");
  await settle(page, 400);
  await page.keyboard.press("End");
  await settle(page, 400);
  await page.keyboard.press("End");
  await page.waitForSelector("[role=row][aria-rowindex='401']");
  await page.context().close();
});

await part("publish", async () => {
  const page = await signedIn(ca.url, "/publish");
  await page.click(".actions button.primary");
  await page.waitForSelector(".summary");
  await look(page, "publish-faults");
  await page.fill("#field-value", "evil-7f[.]example");
  await page.fill("#field-name", "Test beacon");
  await page.check("input[name=tlp][value=RED]");
  await page.fill("#field-recipients", "bob@us");
  await page.check("input[name=national][value=rel]");
  await page.check("#field-countries input[value=USA]");
  await page.click(".actions button.primary");
  await page.waitForSelector("dialog[open]");
  await look(page, "publish-confirm");
  await page.click("dialog[open] button.primary");
  await page.waitForSelector("#outcome");
  await settle(page);
  await look(page, "publish-done");
  await page.goto(`${ca.url}/publish?mode=paste`);
  await page.fill("#bundle", JSON.stringify({ type: "bundle", id: "bundle--1", objects: [{ type: "indicator", id: "indicator--a", name: "Good", pattern: "[a:b = 'c']" }, { type: "indicator", id: "indicator--b", name: "Broken", pattern: "[domain-name:value = " }] }, null, 2));
  await page.click(".actions button:first-child");
  await page.waitForSelector("mark");
  await look(page, "publish-paste");
  await page.context().close();
});

await part("pause", async () => {
  const page = await signedIn(ca.url, "/live");
  await settle(page, 1500);
  await page.keyboard.press("p");
  const before = await page.textContent("[role=grid]");
  await settle(page, 3000);
  trial.expect((await page.textContent("[role=grid]")) === before, "rows move while paused");
  await page.waitForSelector("button.primary");
  await look(page, "live-paused");
  await page.click(".controls button.primary");
  await page.waitForFunction(() => !document.querySelector(".controls button.primary"));
  await page.keyboard.press("m");
  await page.mouse.move(700, 500);
  await settle(page, 1500);
  await look(page, "live-merged");
  await page.context().close();
});

await part("flood", async () => {
  const busy = await start({ centre: "us", rate_ms: 100 });
  const page = await signedIn(busy.url, "/live");
  busy.state.burst = 400;
  await settle(page, 5000);
  const frames = await page.evaluate(
    () => new Promise((done) => {
      let n = 0;
      const from = performance.now();
      const frame = () => (performance.now() - from > 2000 ? done(n / 2) : ((n += 1), requestAnimationFrame(frame)));
      requestAnimationFrame(frame);
    }),
  );
  console.log(`flood: 4,000 events/s, ${frames} frames/s`);
  trial.expect(frames > 15, `only ${frames} frames/s in a flood`);
  await trial.shot(page, "live-flood");
  busy.state.burst = 0;
  await page.waitForSelector(".flood");
  await page.context().close();
  busy.stop();
});

await part("lost", async () => {
  const frail = await start({ centre: "us" });
  const page = await signedIn(frail.url, "/live");
  await settle(page, 1500);
  for (const stream of frail.state.streams) stream.destroy();
  frail.stop();
  await page.waitForSelector(".strip.state-warn", { timeout: 8000 });
  await look(page, "live-lost");
  await page.context().close();
});

await part("lock", async () => {
  const brief = await start({ centre: "ca", idle_s: 4 });
  const page = await signedIn(brief.url, "/search?q=beacon");
  await page.waitForSelector("dialog[open]", { timeout: 5000 });
  await look(page, "idle");
  await page.waitForSelector("#token", { timeout: 12000 });
  await look(page, "locked");
  trial.expect(new URL(page.url()).searchParams.get("q") === "beacon", "the lock loses the link");
  trial.expect(!(await page.textContent("body")).includes("beacon"), "content stays on a locked screen");
  await page.context().close();
  brief.stop();
});

await part("narrow", async () => {
  const page = await signedIn(ca.url, "/search?q=beacon", { viewport: { width: 400, height: 800 } });
  await look(page, "search-narrow");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  trial.expect(!wide, "the page scrolls sideways at 400 px");
  await page.context().close();
});

ca.stop();
await trial.close("screens");
