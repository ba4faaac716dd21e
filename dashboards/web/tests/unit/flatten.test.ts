import assert from "node:assert/strict";
import { test } from "node:test";
import { flatten } from "../../src/lib/flatten.ts";

test("a record becomes dotted names, in its own order", () => {
  assert.deepEqual(flatten({ "@timestamp": "t", source: { ip: "192.0.2.1", port: 1 }, tags: ["a", "b"], none: null, dns: { answers: [{ data: "x" }] } }), [
    ["@timestamp", "t"], ["source.ip", "192.0.2.1"], ["source.port", "1"], ["tags", "a, b"], ["dns.answers.0.data", "x"],
  ]);
});

test("what is too wide or too deep is bounded", () => {
  assert.equal(flatten(Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`k${n}`, n]))).length, 500);
  let deep: unknown = 1;
  for (let n = 0; n < 100; n += 1) deep = { a: deep };
  assert.equal(flatten(deep).length, 1);
});

test("what is no record is one nameless field", () => {
  assert.deepEqual(flatten("x"), [["", "x"]]);
  assert.deepEqual(flatten(null), []);
});
