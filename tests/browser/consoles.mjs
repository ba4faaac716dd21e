// Signs in at both consoles, publishes at `us`, watches the sighting arrive on both, searches in French, reads the border view.
// node consoles.mjs DEMO.JSON SCREENSHOTS NAME VALUE; ends with 1 if anything is wrong.
import { readFileSync } from "node:fs";
import { Trial } from "../../dashboards/web/tests/chromium.mjs";

const [note, folder, name, value] = process.argv.slice(2);
const demo = JSON.parse(readFileSync(note, "utf8"));
const trial = new Trial(folder);
if (!Trial.possible()) {
  console.error("consoles: no Chromium: `make tools-test` installs it");
  process.exit(1);
}
await trial.open();
// The centres' own authorities sign their certificates; a person accepts them once.
const options = { ignoreHTTPSErrors: true };

async function signedIn(centre, person, path = "/live", more = {}) {
  const page = await trial.page({ ...options, ...more });
  await page.goto(`${demo[centre].people}${path}#token=${demo[centre].tokens[person]}`);
  await page.waitForSelector("header nav", { timeout: 15000 });
  trial.expect(!page.url().includes("token"), `the token stays in the address at ${centre}`);
  return page;
}

/** A row of the live screen of this kind that names the indicator. */
const row = (page, kind) => page.locator("[role=row]", { has: page.locator(`.kind.${kind}`), hasText: name }).first();

async function look(page, shot) {
  await page.waitForTimeout(600);
  await trial.shot(page, shot);
  await trial.axe(page, shot);
}

async function publish(page) {
  await page.click('header nav a[href="/publish"]');
  await page.fill("#field-value", value);
  await page.fill("#field-name", name);
  await page.check("input[name=tlp][value=GREEN]");
  await page.click(".actions button.primary");
  await page.waitForSelector("dialog[open]");
  await look(page, "us-publish-confirm");
  await page.click("dialog[open] button.primary");
  await page.waitForSelector("#outcome");
  await look(page, "us-published");
}

async function part(what, act) {
  try {
    await act();
  } catch (error) {
    trial.fault(`${what}: ${error.message.split("\n").slice(0, 4).join(" | ")}`);
  }
}

const signInPage = await trial.page(options);
await part("a stranger", async () => {
  await signInPage.goto(`${demo.ca.people}/live`);
  await signInPage.waitForSelector("#token");
  await look(signInPage, "ca-sign-in");
  await signInPage.fill("#token", "bw_wrong");
  await signInPage.keyboard.press("Enter");
  await signInPage.waitForSelector("[role=alert]");
});

const us = await signedIn("us", "alice");
const usLive = await signedIn("us", "bob");
const caLive = await signedIn("ca", "claude");
await part("publish at us", () => publish(us));
await part("the sighting on both screens", async () => {
  await row(caLive, "hit").waitFor({ timeout: 15000 });
  for (const page of [usLive, caLive]) await row(page, "sighting").waitFor({ timeout: 15000 });
  await look(usLive, "us-live");
  await look(caLive, "ca-live");
});
await part("dark", async () => {
  await caLive.emulateMedia({ colorScheme: "dark" });
  await look(caLive, "ca-live-dark");
});
await part("search in French", async () => {
  const page = await signedIn("ca", "denise", `/search?q=${name}`);
  await page.click("a.language");
  await page.waitForSelector("html[lang=fr-CA]");
  await page.waitForSelector("[role=row][aria-rowindex='2']", { timeout: 15000 });
  trial.expect((await page.textContent("[role=grid]")).includes(name), "the search in French does not find the indicator");
  await look(page, "ca-search-fr");
  await page.click("[role=row][aria-rowindex='2']");
  await page.keyboard.press("Enter");
  await page.waitForSelector("aside article, article");
  await look(page, "ca-object-fr");
});
await part("border view", async () => {
  const officer = await signedIn("us", "olivia", "/border");
  await officer.waitForSelector(".figures");
  const text = await officer.textContent("main");
  trial.expect(/[1-9]/.test(text), "the border view shows no figures");
  await look(officer, "us-border");
  const analyst = await signedIn("us", "bob", "/border");
  await analyst.waitForSelector(".figures");
  await look(analyst, "us-border-analyst");
});
await part("sign out", async () => {
  await us.context().clearCookies();
  await us.goto(`${demo.us.people}/live`);
  await us.waitForSelector("#token");
});
await trial.close("consoles");
