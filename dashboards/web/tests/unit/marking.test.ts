import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { NATIONAL_HANDLING, highest, markingText } from "../../src/lib/marking.ts";
import { SIGN_IN, address, isScreen, parseRoute } from "../../src/lib/route.ts";
import type { Marking, Tlp } from "../../src/lib/wire.ts";

const marking = (tlp: Tlp | null, more: Partial<Marking> = {}): Marking => ({ tlp, text: tlp ? `TLP:${tlp}` : "UNMARKED", caveats: [], releasable_to: [], statements: [], ...more });

test("the page carries the highest level of what it shows", () => {
  assert.equal(highest([marking("GREEN"), null, marking("AMBER+STRICT"), marking("AMBER")]), "AMBER+STRICT");
  assert.equal(highest([marking(null), undefined]), null);
  assert.equal(highest([]), null);
});

test("a copy carries the whole marking", () => {
  assert.equal(markingText(marking("AMBER", { caveats: ["NOFORN"], releasable_to: ["USA", "CAN"] })), "TLP:AMBER // NOFORN // REL TO USA, CAN");
  assert.equal(markingText(marking(null)), "UNMARKED");
});

test("the extension is the one that the centre reads", () => {
  const source = readFileSync(new URL("../../../../../model/src/marking.rs", import.meta.url), "utf8");
  assert.ok(source.includes(NATIONAL_HANDLING));
});

test("an address is a state and comes back as the same state", () => {
  const href = address("objects", "indicator--a/b?c", { open: "x y", none: undefined });
  assert.equal(href, "/objects/indicator--a%2Fb%3Fc?open=x+y");
  const url = new URL(href, "http://x");
  const route = parseRoute(url.pathname, url.search);
  assert.deepEqual([route.screen, route.id, route.query.get("open")], ["objects", "indicator--a/b?c", "x y"]);
  assert.equal(parseRoute("/", "").screen, "live");
  assert.equal(parseRoute(`/${SIGN_IN}`, "").screen, "live");
  assert.ok(isScreen("/live") && isScreen(href) && !isScreen("/") && !isScreen(`/${SIGN_IN}`) && !isScreen("/lively"));
  assert.equal(parseRoute("/objects/%E0%A4%A", "").id, "");
});
