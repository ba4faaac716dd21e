import assert from "node:assert/strict";
import { test } from "node:test";
import { bundleOf, emptyDraft, faultsOf, patternOf, type Draft } from "../../src/lib/draft.ts";
import { NATIONAL_HANDLING, TLP_IDS } from "../../src/lib/marking.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");
const good = (more: Partial<Draft> = {}): Draft => ({ ...emptyDraft(), value: "evil[.]example", name: "Beacon", tlp: "GREEN", ...more });
const objects = (draft: Draft, centre = "ca"): Record<string, unknown>[] => {
  let n = 0;
  const uuid = (): string => `00000000-0000-4000-8000-${String((n += 1)).padStart(12, "0")}`;
  return bundleOf(draft, { centre, uuid, now: NOW }).objects as Record<string, unknown>[];
};

test("an empty form names each field that is missing", () => {
  assert.deepEqual(faultsOf(emptyDraft()), { value: "required", name: "required", tlp: "choose_tlp" });
  assert.deepEqual(faultsOf(good()), {});
});

test("what is filled in wrongly is said", () => {
  const wrong = good({ value: "two words", validUntil: "Christmas", confidence: "101", tlp: "RED", recipients: "bob@us, Bob", national: "rel" });
  assert.deepEqual(faultsOf(wrong), {
    value: "value_unknown", validUntil: "date_wrong", confidence: "confidence_wrong", recipients: "recipients_wrong", countries: "countries_needed",
  });
});

test("a value becomes its pattern, quotes and backslashes escaped", () => {
  assert.equal(patternOf("198[.]51[.]100[.]7"), "[ipv4-addr:value = '198.51.100.7']");
  assert.equal(patternOf("2001:db8::/32"), "[ipv6-addr:value ISSUBSET '2001:db8::/32']");
  assert.equal(patternOf("EVIL.example."), "[domain-name:value = 'evil.example' OR domain-name:value LIKE '%.evil.example']");
  assert.equal(patternOf("hxxp://evil[.]example/it's\\x"), "[url:value = 'http://evil.example/it\\'s\\\\x']");
  assert.equal(patternOf("A".repeat(64)), `[file:hashes.'SHA-256' = '${"a".repeat(64)}']`);
  assert.equal(patternOf(" [file:name = 'x'] "), "[file:name = 'x']");
  assert.equal(patternOf("nothing known"), null);
});

test("the marking is the standard's own, none is none", () => {
  assert.deepEqual(objects(good())[0]?.object_marking_refs, [TLP_IDS.GREEN]);
  assert.equal(objects(good({ tlp: "none" }))[0]?.object_marking_refs, undefined);
  assert.equal(objects(good({ tlp: "none" })).length, 1);
});

test("national handling is a definition of its own that the indicator cites", () => {
  const [definition, indicator] = objects(good({ tlp: "AMBER", national: "ceo" }));
  assert.deepEqual((definition?.extensions as Record<string, unknown>)[NATIONAL_HANDLING], { extension_type: "property-extension", country: "CAN", caveats: ["CANADIAN EYES ONLY"] });
  assert.deepEqual(indicator?.object_marking_refs, [TLP_IDS.AMBER, definition?.id]);
  assert.deepEqual(definition?.object_marking_refs, [TLP_IDS.AMBER]);
});

test("recipients count for RED alone, and their definition is not itself RED", () => {
  const [definition] = objects(good({ tlp: "RED", recipients: "bob@us; eve@ca" }));
  const handling = (definition?.extensions as Record<string, Record<string, unknown>>)[NATIONAL_HANDLING];
  assert.deepEqual(handling?.recipients, ["bob@us", "eve@ca"]);
  assert.deepEqual(definition?.object_marking_refs, [TLP_IDS["AMBER+STRICT"]]);
  assert.equal(objects(good({ tlp: "AMBER", recipients: "bob@us" })).length, 1);
});

test("times are whole, in UTC", () => {
  const indicator = objects(good({ validUntil: "2026-12-24 12:00", confidence: "80" })).at(-1);
  assert.equal(indicator?.valid_until, "2026-12-24T12:00:00.000Z");
  assert.equal(indicator?.valid_from, "2026-11-24T12:00:00.000Z");
  assert.equal(indicator?.confidence, 80);
});
