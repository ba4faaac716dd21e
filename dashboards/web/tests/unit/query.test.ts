import assert from "node:assert/strict";
import { test } from "node:test";
import { frozen, parseQuery, readUtc, timeOf, withFilter } from "../../src/lib/query.ts";

const NOW = Date.parse("2026-11-24T12:00:00Z");

test("operators become filters and the rest stays the query", () => {
  const { q, filters } = parseQuery("  hxxp://x[.]example type:indicator ORIGIN:us since:24h beacon ");
  assert.equal(q, "http://x.example beacon");
  assert.deepEqual(filters, { type: "indicator", origin: "us", since: "24h" });
});

test("a pattern keeps what looks like an operator inside it", () => {
  const { q, filters } = parseQuery("[file:name = 'a type:b.exe'] marking:AMBER+STRICT");
  assert.equal(q, "[file:name = 'a type:b.exe']");
  assert.deepEqual(filters, { marking: "AMBER+STRICT" });
});

test("a phrase keeps what looks like an operator inside it", () => {
  assert.deepEqual(parseQuery('"a type:b c" origin:us "open'), { q: '"a type:b c" "open', filters: { origin: "us" } });
  assert.equal(withFilter('"x type:b" type:c', "type", null), '"x type:b"');
  assert.deepEqual(parseQuery("[a:b = type:x"), { q: "[a:b =", filters: { type: "x" } });
  assert.equal(parseQuery("([a:b = 'x'] AND [a:b = 'y type:z']) type:w").q, "([a:b = 'x'] AND [a:b = 'y type:z'])");
});

test("field:value is not an operator", () => {
  assert.deepEqual(parseQuery("destination.ip:198.51.100.7"), { q: "destination.ip:198.51.100.7", filters: {} });
});

test("a filter is set once, replaced and taken out", () => {
  assert.equal(withFilter("beacon type:report", "type", "indicator"), "beacon type:indicator");
  assert.equal(withFilter("beacon", "origin", "us"), "beacon origin:us");
  assert.equal(withFilter("beacon origin:us type:report", "origin", null), "beacon type:report");
  assert.equal(withFilter("[a:b = 'origin:x'] origin:us", "origin", null), "[a:b = 'origin:x']");
});

test("times are read as UTC, relative ones from now", () => {
  assert.equal(timeOf("24h", NOW), "2026-11-23T12:00:00.000Z");
  assert.equal(timeOf("2W", NOW), "2026-11-10T12:00:00.000Z");
  assert.equal(timeOf("2026-11-24", NOW), "2026-11-24T00:00:00.000Z");
  assert.equal(timeOf("2026-11-24T07:00:00-05:00", NOW), "2026-11-24T12:00:00.000Z");
  for (const wrong of [undefined, "", "soon", "24", "24x", "2026-13-45", "2026-11-24T25:00"]) assert.equal(timeOf(wrong, NOW), undefined, wrong);
  assert.equal(readUtc("2026-12-24 12:00"), Date.parse("2026-12-24T12:00:00Z"));
  assert.equal(readUtc("24.12.2026"), null);
});

test("a frozen link means the same tomorrow", () => {
  const link = frozen("beacon since:1h until:2026-11-25", NOW);
  assert.equal(parseQuery(link).filters.since, "2026-11-24T11:00:00.000Z");
  assert.equal(parseQuery(link).filters.until, "2026-11-25T00:00:00.000Z");
  assert.equal(frozen(link, NOW + 86_400_000), link);
});
