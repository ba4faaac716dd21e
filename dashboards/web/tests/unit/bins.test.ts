import assert from "node:assert/strict";
import { test } from "node:test";
import { BARS_MAX, HOUR_MS, bins } from "../../src/lib/bins.ts";

const at = (hours: number): string => new Date(Date.parse("2026-11-24T00:00:00Z") + hours * HOUR_MS).toISOString();

test("nothing readable is no chart", () => {
  assert.equal(bins([[]]), null);
  assert.equal(bins([[{ hour: "soon", count: 3 }]]), null);
});

test("a day at least, gaps are zeros, strips share one scale", () => {
  const found = bins([[{ hour: at(0), count: 2 }, { hour: at(3), count: 5 }], [{ hour: at(3), count: 1 }]]);
  assert.ok(found);
  assert.equal(found.width, HOUR_MS);
  assert.equal(found.counts[0]?.length, 24);
  assert.equal(found.most, 5);
  assert.deepEqual(found.counts[0]?.slice(-4), [2, 0, 0, 5]);
  assert.deepEqual(found.counts[1]?.slice(-4), [0, 0, 0, 1]);
});

test("a long range gets wider bars and loses no count", () => {
  const bars = Array.from({ length: 1000 }, (_, n) => ({ hour: at(n), count: 1 }));
  const found = bins([bars]);
  assert.ok(found);
  assert.ok((found.counts[0]?.length ?? 0) <= BARS_MAX);
  assert.equal(found.width % HOUR_MS, 0);
  assert.equal(found.counts[0]?.reduce((a, b) => a + b, 0), 1000);
});
