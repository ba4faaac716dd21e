import assert from "node:assert/strict";
import { test } from "node:test";
import { FLUSH_ROWS_MAX, LiveBuffer, ROWS_MAX, sample } from "../../src/lib/live-buffer.ts";
import type { Hit, Marking, Row } from "../../src/lib/wire.ts";

const marking: Marking = { tlp: "GREEN", text: "TLP:GREEN", caveats: [], releasable_to: [], statements: [] };
const ID = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f";
const row = (more: Partial<Row> = {}): Row => ({
  id: ID, type: "indicator", origin: "us", name: "Beacon", value: "[a:b = 'c']", marking, created: null, modified: "2026-11-24T12:00:00Z",
  added: "2026-11-24T12:00:00Z", revoked: false, count: null, sighting_of: null, first_seen: null, last_seen: null, ...more,
});
const hit = (id: string, more: Partial<Hit> = {}): Hit => ({
  id, indicator: ID, indicator_name: "Beacon", time: "2026-11-24T12:00:00Z", received: "2026-11-24T12:00:00Z", sensor: "s", site: null, field: "f", value: id, marking, observation: {}, ...more,
});
const ARRIVED = Date.parse("2026-11-24T12:00:00.040Z");
const buffer = (): LiveBuffer => new LiveBuffer(["us", "ca"], "ca");

test("newest stands first, in the lane of its origin; hits are the centre's own", () => {
  const live = buffer();
  live.push(live.ofRow(row(), ARRIVED, true));
  live.push(live.ofRow(row({ id: "report--1", modified: "x" }), ARRIVED + 1, true));
  live.push(live.ofHit(hit("h1"), ARRIVED, true));
  assert.equal(live.flush(false), true);
  assert.deepEqual(live.snapshot("us").rows.map((each) => each.id), ["report--1", ID]);
  assert.equal(live.snapshot("ca").rows[0]?.delay, 40);
  assert.equal(live.flush(false), false);
});

test("an event that comes twice is shown once, a new version again", () => {
  const live = buffer();
  for (const modified of ["a", "a", "b"]) live.push(live.ofRow(row({ modified }), ARRIVED, true));
  live.flush(false);
  live.fill([live.ofRow(row({ modified: "a" }), ARRIVED, false)]);
  assert.equal(live.snapshot("us").rows.length, 2);
});

test("rows do not move while paused; what waits is counted", () => {
  const live = buffer();
  live.push(live.ofHit(hit("h1"), ARRIVED, true));
  live.flush(false);
  live.push(live.ofHit(hit("h2"), ARRIVED, true));
  assert.equal(live.flush(true), true);
  assert.equal(live.flush(true), false, "nothing new to say");
  assert.deepEqual([live.snapshot("ca").rows.length, live.snapshot("ca").waiting], [1, 1]);
  live.flush(false);
  assert.deepEqual([live.snapshot("ca").rows.length, live.snapshot("ca").waiting], [2, 0]);
});

test("a flood is sampled and the rest counted; nothing is lost from the count", () => {
  const live = buffer();
  for (let n = 0; n < 1000; n += 1) live.push(live.ofHit(hit(`h${n}`), ARRIVED, true));
  live.flush(false);
  const lane = live.snapshot("ca");
  assert.equal(lane.rows.length, FLUSH_ROWS_MAX);
  assert.equal(lane.rows.length + lane.skipped, 1000);
  assert.equal(lane.total, 1000);
  assert.equal(lane.rows[0]?.hit?.id, "h999");
});

test("memory is bounded, paused or not", () => {
  const live = buffer();
  for (let n = 0; n < ROWS_MAX * 5; n += 1) live.push(live.ofHit(hit(`h${n}`), ARRIVED, true));
  live.flush(true);
  assert.equal(live.snapshot("ca").waiting, ROWS_MAX * 5);
  for (let n = 0; n < 100; n += 1) {
    for (let m = 0; m < 100; m += 1) live.push(live.ofHit(hit(`g${n}-${m}`), ARRIVED, true));
    live.flush(false);
  }
  assert.equal(live.snapshot("ca").rows.length, ROWS_MAX);
});

test("what was withdrawn loses its name and value, waiting or shown", () => {
  const live = buffer();
  live.push(live.ofRow(row(), ARRIVED, true));
  live.flush(false);
  live.push(live.ofRow(row({ modified: "later" }), ARRIVED, true));
  live.forget({ id: ID, modified: null, origin: "us" });
  live.flush(false);
  assert.deepEqual(live.snapshot("us").rows.map((each) => each.name + each.value), ["", ""]);
});

test("a sighting borrows the name of what it is of", () => {
  const live = buffer();
  live.ofRow(row(), ARRIVED, true);
  const seen = live.ofRow(row({ type: "sighting", id: "sighting--1", name: null, value: null, sighting_of: ID, count: 3 }), ARRIVED, true);
  assert.deepEqual([seen.name, seen.value, seen.where, seen.delay], ["Beacon", "[a:b = 'c']", "× 3", 40]);
});

test("merged lanes are by arrival", () => {
  const live = buffer();
  live.push(live.ofRow(row(), ARRIVED, true));
  live.push(live.ofHit(hit("h1"), ARRIVED + 5, true));
  live.flush(false);
  assert.deepEqual(live.merged().rows.map((each) => each.lane), ["ca", "us"]);
});

test("a sample keeps the last and spreads evenly", () => {
  assert.deepEqual(sample([1, 2, 3], 5), [1, 2, 3]);
  assert.deepEqual(sample([1, 2, 3, 4, 5, 6], 3), [2, 4, 6]);
});

test("hits of one value within a minute are one row that counts them, at the top, with the newest evidence", () => {
  const live = buffer();
  const at = (second: number): string => new Date(Date.parse("2026-11-24T12:00:00Z") + second * 1000).toISOString();
  const same = (id: string, second: number): void => live.push(live.ofHit(hit(id, { value: "c", time: at(second) }), ARRIVED, true));
  same("h1", 0);
  live.push(live.ofHit(hit("other"), ARRIVED, true));
  live.flush(false);
  for (let n = 2; n <= 1000; n += 1) same(`h${n}`, 1);
  same("h2", 1);
  live.flush(false);
  const lane = live.snapshot("ca");
  assert.deepEqual(lane.rows.map((row) => [row.hit?.id, row.others.length + 1]), [["h1000", 1000], ["other", 1]]);
  assert.equal(lane.rows[0]?.key, "hit h1", "a row that was opened stays the same row");
  assert.deepEqual([lane.skipped, lane.total], [0, 1001]);
  same("late", 60);
  live.flush(false);
  assert.deepEqual(live.snapshot("ca").rows.map((row) => row.hit?.id), ["late", "h1000", "other"]);
  live.fill([live.ofHit(hit("before", { value: "c", time: at(59) }), ARRIVED, false), live.ofHit(hit("h1", { value: "c", time: at(0) }), ARRIVED, false)]);
  assert.deepEqual(live.snapshot("ca").rows.map((row) => row.others.length + 1), [2, 1000, 1], "in place, and none twice");
});
