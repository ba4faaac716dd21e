import assert from "node:assert/strict";
import { test } from "node:test";
import { placed } from "../../src/lib/fault-place.ts";
import { JsonFault, lineAt, nearest, objectPointers, places } from "../../src/lib/json-place.ts";
import type { Fault } from "../../src/lib/wire.ts";

const cut = (text: string, pointer: string): string => {
  const span = places(text).get(pointer);
  assert.ok(span, pointer);
  return text.slice(span.start, span.end);
};

test("every value is found by its pointer", () => {
  const text = ' { "a" : [ 1.50, "x\\"y", { "b/c~d" : null } ], "é" : -2e-3 } ';
  assert.equal(cut(text, ""), text.trim());
  assert.equal(cut(text, "/a/0"), "1.50");
  assert.equal(cut(text, "/a/1"), '"x\\"y"');
  assert.equal(cut(text, "/a/2/b~1c~0d"), "null");
  assert.equal(cut(text, "/é"), "-2e-3");
});

test("it reads what JSON.parse reads and nothing else", () => {
  for (const text of ["{}", "[]", "0", '"a"', "[1,[2,{}]]", '{"a":{"a":1}}']) {
    assert.doesNotThrow(() => places(text));
    assert.doesNotThrow(() => JSON.parse(text));
  }
  for (const text of ["", "{", "[1,]", '{"a":1,}', "{a:1}", "01", "+1", "nul", '"a', '"\t"', "[1] 2", "'a'", "[1 2]", '{"a" 1}']) {
    assert.throws(() => places(text), JsonFault, text);
    assert.throws(() => JSON.parse(text), SyntaxError, text);
  }
  assert.throws(() => places("[".repeat(70) + "]".repeat(70)), JsonFault);
});

test("a fault says where the text stops being JSON", () => {
  const text = '{\n  "a": 1,\n  b: 2\n}';
  assert.throws(() => places(text), (fault: JsonFault) => lineAt(text, fault.at + 1) === 3);
});

test("a missing property points at its object", () => {
  const found = places('{"objects":[{"a":1}]}');
  assert.deepEqual(nearest(found, "/objects/0/pattern"), found.get("/objects/0"));
  assert.deepEqual(nearest(found, "/nothing/at/all"), found.get(""));
});

test("objects are found in bundles, lists and alone", () => {
  assert.deepEqual([...objectPointers({ objects: [{ id: "a" }, 1, { id: "b" }, { id: "a" }] })], [["a", "/objects/0"], ["b", "/objects/2"]]);
  assert.deepEqual([...objectPointers([{ id: "a" }])], [["a", "/0"]]);
  assert.deepEqual([...objectPointers({ id: "a" })], [["a", ""]]);
  assert.equal(objectPointers(null).size, 0);
});

const fault = (object: string | null, pointer: string): Fault => ({ object, pointer, severity: "error", code: "c", section: "s", message: "m" });

test("faults stand beside the text they are about", () => {
  const text = JSON.stringify({ objects: [{ id: "a", pattern: "[" }, { id: "b", pattern: "(" }] }, null, 2);
  const [first, second, lost] = placed(text, [fault("b", "/pattern"), fault("a", "/name"), fault("zzz", "/x")]);
  assert.equal(first?.inside, '"("');
  assert.equal(first?.line, 9);
  assert.match(second?.inside ?? "", /"id": "a"/);
  assert.equal(lost?.line, 1, "an object that is not there points at the whole text");
});

test("faults of a text that is no JSON come without a place", () => {
  assert.deepEqual(placed("{", [fault("a", "/x")]).map((item) => item.line), [0]);
});
