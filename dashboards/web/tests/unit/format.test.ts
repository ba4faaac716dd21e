import assert from "node:assert/strict";
import { test } from "node:test";
import { brief, clock, decimal, duration, hour, local, short, shortId, stamp } from "../../src/lib/format.ts";

const NOW = Date.parse("2026-11-24T23:00:00Z");

test("one clock, to the millisecond", () => {
  assert.equal(stamp("2026-11-24T19:03:07.042999Z"), "2026-11-24 19:03:07.042Z");
  assert.equal(stamp("2026-11-24T14:03:07-05:00"), "2026-11-24 19:03:07.000Z");
  assert.equal(stamp("<img>"), "<img>");
  assert.equal(stamp(null), "");
});

test("the last hours are written without their day, over midnight too; what is older never is", () => {
  assert.equal(clock("2026-11-24T19:03:07.042Z", NOW), "19:03:07.042Z");
  assert.equal(clock("2026-11-23T23:59:59.999Z", NOW), "2026-11-23 23:59:59.999Z");
  assert.equal(clock("2026-11-23T23:59:59.999Z", NOW - 22 * 3_600_000), "23:59:59.999Z");
  assert.equal(brief("2026-11-24T19:03:07.042Z", NOW), "19:03:07Z");
  assert.equal(brief("2026-11-23T23:59:59.999Z", NOW), "2026-11-23");
  assert.equal(hour("2026-11-24T19:59:00Z"), "2026-11-24 19:00Z");
});

test("the reader's own time names its zone and is the same moment", () => {
  const text = local("2026-11-24T19:03:07.042Z");
  assert.match(text, /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:07\.042[+-]\d{2}:\d{2}$/);
  assert.equal(Date.parse(text.replace(" ", "T")), Date.parse("2026-11-24T19:03:07.042Z"));
});

test("durations have a unit that suits them", () => {
  assert.equal(duration(8.44, "en-CA"), "8.4\u00a0ms");
  assert.equal(duration(31.7, "fr-CA"), "32\u00a0ms");
  assert.equal(duration(1234, "fr-CA"), "1,2\u00a0s");
  assert.equal(duration(180_000, "en-US"), "3\u00a0min");
  assert.equal(duration(172_800_000, "en-US"), "2\u00a0d");
  assert.equal(duration(172_800_000, "fr-CA"), "2\u00a0j");
  for (const none of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(duration(none, "en-CA"), "–");
});

test("numbers follow the country, with no-break spaces in French", () => {
  assert.equal(decimal(1234.56, "en-CA", 1), "1,234.6");
  assert.equal(decimal(1234.56, "fr-CA", 1), "1\u00a0234,6");
  assert.equal(short(9999, "en-US"), "9,999");
  assert.equal(short(1_284_331, "en-US"), "1.3M");
});

test("an id's random part stands for it", () => {
  assert.equal(shortId("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"), "8e2e2d2b");
  assert.equal(shortId("noid"), "noid");
});
