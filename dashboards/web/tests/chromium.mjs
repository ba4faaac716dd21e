// The system's Chromium, driven for tests: every violation of the policy, every error of a page and every fault of
// accessibility is collected and fails the run.
import { existsSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url)("axe-core").source;
export const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

export class Trial {
  faults = [];

  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  static possible() {
    return existsSync(CHROMIUM);
  }

  async open() {
    this.browser = await chromium.launch({
      executablePath: CHROMIUM,
      headless: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-dev-shm-usage"],
    });
  }

  /** A page of its own browser profile. */
  async page(options = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    page.on("console", (message) => {
      const text = message.text();
      const policy = /Content Security Policy|Trusted Type/i.test(text);
      // A refused request (401 before signing in, a stopped server) is the test's business, not a fault of the page.
      if (policy || (message.type() === "error" && !/Failed to load resource/.test(text))) this.fault(`${page.url()}: ${text}`);
    });
    page.on("pageerror", (error) => this.fault(`${page.url()}: ${error.stack ?? error}`));
    await page.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => console.error(`Content Security Policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    return page;
  }

  fault(text) {
    this.faults.push(text);
    console.error(`✖ ${text}`);
  }

  expect(condition, text) {
    if (!condition) this.fault(text);
    return condition;
  }

  async axe(page, name) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() =>
      globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], resultTypes: ["violations"] }),
    );
    for (const found of violations) {
      const where = found.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} (${node.failureSummary?.split("\n")[1]?.trim() ?? ""})`);
      const text = `axe ${name}: ${found.impact} ${found.id}: ${found.help}: ${where.join("; ")}`;
      this.fault(text);
    }
  }

  async shot(page, name) {
    await page.screenshot({ path: `${this.folder}/${name}.png` });
  }

  /** Prints the verdict and ends with a status that says it. */
  async close(what) {
    await this.browser?.close();
    console.log(this.faults.length ? `${what}: ${this.faults.length} faults` : `${what}: good`);
    process.exitCode = this.faults.length ? 1 : 0;
  }
}
