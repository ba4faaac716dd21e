// Every screen against the mock centre: looks (screenshots), accessibility, policy, keys, pause, flood, lock, hostile content,
// budget. `npm run screens -- live` runs the parts whose name has that word.
import { gzipSync } from "node:zlib";
import { HOSTILE } from "../mock/data.mjs";
import { start } from "../mock/server.mjs";
import { Trial } from "./chromium.mjs";

const trial = new Trial(new URL("../screenshots", import.meta.url).pathname);
if (!Trial.possible()) {
  console.error("screens: no Chromium: `make tools-test` installs it, CHROMIUM names one elsewhere");
  process.exit(1);
}
await trial.open();
const ca = await start({ centre: "ca" });
/** Narrower than this no screen need work; this is a telephone. */
const PHONE = { width: 390, height: 844 };
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
  for (const [name, path] of [["search", "/search?q=beacon"], ["border", "/border"], ["sensors", "/sensors"], ["quarantine", "/quarantine?open=6e3b0f52-5f0b-5b8e-9a51-0d0c3a6f6d11"], ["publish", "/publish"]]) {
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

await part("search for hits", async () => {
  const page = await signedIn(ca.url, "/search?q=type:hit+since:soon");
  await page.waitForSelector("main .fault");
  await page.click("[role=row][aria-rowindex='2']");
  await page.waitForSelector("aside details[open] .matched");
  await look(page, "search-hit");
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
  try {
    await flood(busy);
  } finally {
    busy.stop(); // a failure must not keep the mock, and with it this program, running
  }
});

/** What the page does within some seconds: frames a second (told, for they are the machine's), changes of the lists, rows drawn. */
function watch(page) {
  return page.evaluate(() => new Promise((done) => {
    let [frames, changes] = [0, 0];
    const observer = new MutationObserver(() => (changes += 1));
    observer.observe(document.querySelector(".lanes"), { childList: true, subtree: true });
    const from = performance.now();
    const frame = () => {
      const seconds = (performance.now() - from) / 1000;
      frames += 1;
      if (seconds < 2) return requestAnimationFrame(frame);
      observer.disconnect();
      done({ seconds, frames: Math.round(frames / seconds), changes, rows: document.querySelectorAll(".item").length });
    };
    requestAnimationFrame(frame);
  }));
}

async function flood(busy) {
  const page = await signedIn(busy.url, "/live");
  for (const burst of [100, 1000]) {
    busy.state.burst = burst;
    await settle(page, 3000);
    const { seconds, frames, changes, rows } = await watch(page);
    const rate = `${burst * 10} events/s`;
    console.log(`flood: ${rate}, ${frames} frames/s, ${changes} changes and ${rows} rows drawn`);
    // A flush every 250 ms, the status and the rates; a change for each event would be hundreds.
    trial.expect(changes > 0 && changes <= seconds * 8 + 4, `the lists change ${changes} times in ${seconds} s of ${rate}`);
    trial.expect(rows > 0 && rows <= 120, `${rows} rows are drawn in a flood of ${rate}`);
    await page.keyboard.press("p");
    await page.waitForSelector(".pause.paused"); // whatever comes, the reader can stop it
    await trial.shot(page, `live-flood-${burst * 10}`);
    busy.state.burst = 0;
    await page.keyboard.press("p");
    await page.waitForSelector(".pause:not(.paused)");
  }
  await page.waitForSelector(".flood");
  await page.context().close();
}

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

const SCREENS = ["live", "search?q=beacon", "publish", "border", "quarantine", "sensors"];
const nameOf = (path) => path.split("?")[0];
const noSideways = async (page, name) =>
  trial.expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth && document.querySelector("main").scrollWidth <= innerWidth), `${name} scrolls sideways`);

await part("phone", async () => {
  const page = await signedIn(ca.url, "/live", { viewport: PHONE });
  for (const path of [...SCREENS, `objects/${ca.state.indicators[0].row.id}`]) {
    await page.goto(`${ca.url}/${path}`);
    await page.waitForSelector("header nav");
    await look(page, `phone-${nameOf(path).split("/")[0]}`);
    await noSideways(page, `phone-${nameOf(path).split("/")[0]}`);
  }
  await page.goto(`${ca.url}/search?q=beacon`);
  await page.click("[role=row][aria-rowindex='3']");
  await page.waitForSelector("aside article");
  await look(page, "phone-open");
  await page.context().close();
});

await part("empty", async () => {
  const quiet = await start({ centre: "us", quiet: true, roles: ["analyst"], exercise: true });
  const page = await signedIn(quiet.url, "/live");
  for (const path of SCREENS) {
    await page.goto(`${quiet.url}/${path}`);
    await page.waitForSelector("header nav");
    await look(page, `empty-${nameOf(path)}`);
  }
  trial.expect((await page.textContent("body")).includes("EXERCISE"), "no exercise strip");
  await page.context().close();
  quiet.stop();
});

await part("broken", async () => {
  const broken = await start({ centre: "us", broken: true });
  const page = await signedIn(broken.url, "/search?q=x");
  for (const path of ["search?q=x", "border", "sensors", "quarantine", "objects/indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"]) {
    await page.goto(`${broken.url}/${path}`);
    await page.waitForSelector("main [role=alert]");
    await look(page, `broken-${nameOf(path).split("/")[0]}`);
    trial.expect((await page.textContent("main")).includes("r-0123456789"), `${path}: no request id`);
  }
  await page.context().close();
  broken.stop();
});

await part("hostile", async () => {
  const hostile = await start({ centre: "ca", hostile: true });
  const page = await signedIn(hostile.url, "/search", { colorScheme: "dark" });
  const adverse = hostile.state.indicators.filter((item) => HOSTILE.includes(item.row.name)).map((item) => item.row.id);
  for (const path of ["live", "search", "border", ...adverse.map((id) => `objects/${id}`)]) {
    await page.goto(`${hostile.url}/${path}`);
    await page.waitForSelector("header nav");
    await settle(page, 700);
    const found = await page.evaluate(() => ({
      title: document.title,
      foreign: document.querySelectorAll("main img, main script, main iframe, main [onload], main [onerror]").length,
      links: [...document.querySelectorAll("main a")].map((link) => link.getAttribute("href")).filter((href) => !/^[/#]/.test(href)),
      // What stands in `pre` is the object as it was received.
      text: [...document.querySelectorAll("main :not(pre, pre *)")].flatMap((element) => [...element.childNodes].filter((node) => node.nodeType === 3)).map((node) => node.data).join("\n"),
      raw: document.querySelector("main pre")?.textContent ?? "",
    }));
    trial.expect(!found.title.includes("pwned") && found.foreign === 0, `${path}: hostile markup came alive`);
    trial.expect(found.links.length === 0, `${path}: links lead away: ${found.links}`);
    trial.expect(!/[\u202a-\u202e\u2066-\u2069\u200b\u0000-\u0008\u001b]/.test(found.text + found.raw), `${path}: invisible characters reach the page`);
    if (path !== "border") trial.expect(!/https?:\/\/login/.test(found.text), `${path}: a URL is not defanged`);
    await noSideways(page, path);
  }
  await page.goto(`${hostile.url}/search`);
  await look(page, "hostile-search");
  await page.goto(`${hostile.url}/objects/${adverse[0]}`);
  await look(page, "hostile-object");
  await page.context().close();
  hostile.stop();
});

await part("policy", async () => {
  // Not a page of the trial: what this one tries is a violation.
  const page = await (await trial.browser.newContext()).newPage();
  await page.goto(`${ca.url}/live`);
  const stopped = await page.evaluate(async () => {
    const refused = (act) => { try { act(); return false; } catch { return true; } };
    const violated = new Set();
    document.addEventListener("securitypolicyviolation", (event) => violated.add(event.effectiveDirective));
    const script = document.createElement("script");
    const types = refused(() => (document.createElement("div").innerHTML = "<b>x</b>")) && refused(() => (script.src = "/x.js"));
    const image = new Image();
    image.src = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
    document.body.append(image);
    document.body.setAttribute("style", "color: red");
    await fetch("http://127.0.0.1:9/").catch(() => {});
    await new Promise((done) => setTimeout(done, 300));
    return { types, violated: [...violated].sort().join(" ") };
  });
  trial.expect(stopped.types, "Trusted Types are not enforced");
  for (const directive of ["connect-src", "img-src", "style-src-attr"]) trial.expect(stopped.violated.includes(directive), `${directive} is not enforced: ${stopped.violated}`);
  await page.context().close();
});

/** Presses Tab until the element has the focus, as somebody without a mouse would. */
async function tabTo(page, selector, most = 80) {
  for (let n = 0; n < most; n += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) return;
  }
  trial.fault(`the keyboard does not reach ${selector} on ${page.url()}`);
}

await part("keyboard", async () => {
  const page = await trial.page();
  await page.goto(`${ca.url}/live`);
  await page.waitForSelector("#token:focus");
  await page.keyboard.type("bw_keys");
  await page.keyboard.press("Enter");
  await page.waitForSelector("header nav");
  trial.expect(await page.evaluate(() => document.activeElement?.id === "main"), "the focus is lost when one has signed in");
  await page.reload();
  await page.waitForSelector("header nav");
  await tabTo(page, "a.skip", 1);
  await page.keyboard.press("Enter");
  trial.expect(await page.evaluate(() => document.activeElement?.id === "main"), "the skip link does not lead to the content");
  await tabTo(page, "[role=grid]");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForSelector("aside article");
  await page.keyboard.press("Escape");
  await page.waitForSelector("aside", { state: "detached" });
  trial.expect(await page.evaluate(() => document.activeElement?.getAttribute("role") === "grid"), "Escape does not lead back to the list");
  await page.keyboard.press("g");
  await page.keyboard.press("p");
  await page.waitForSelector("#field-value");
  await tabTo(page, "#field-value");
  await page.keyboard.type("keys-7f[.]example");
  await tabTo(page, "#field-name");
  await page.keyboard.type("Found without a mouse");
  await tabTo(page, "input[name=tlp]");
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await tabTo(page, ".actions button.primary");
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Enter");
  await page.waitForSelector("main .state-ok");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("keys-7f");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[role=row][aria-rowindex='2']");
  trial.expect((await page.textContent("[role=grid]")).includes("Found without a mouse"), "what was published is not found");
  await page.context().close();
});

await part("budget", async () => {
  const page = await trial.page();
  let bytes = 0;
  const bodies = [];
  page.on("response", (response) => {
    if (response.request().resourceType() === "script") bodies.push(response.body().then((body) => (bytes += gzipSync(body).length)));
  });
  await page.goto(`${ca.url}/sign-in#token=bw_budget`);
  await page.waitForSelector("[role=row][aria-rowindex='3']");
  await Promise.all(bodies);
  trial.expect(new URL(page.url()).pathname === "/live", `a sign-in link leads to ${page.url()}`);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0);
  console.log(`budget: ${(bytes / 1000).toFixed(1)} kB of script (gzip) until the first rows, first paint ${paint.toFixed(0)} ms`);
  trial.expect(bytes > 0 && bytes < 150_000, `${bytes} bytes of script until the first rows`);
  trial.expect(paint < 3000, `first paint after ${paint} ms`);
  await page.context().close();
});

ca.stop();
await trial.close("screens");
