import assert from "node:assert/strict";
import { test } from "node:test";
import { diffLines } from "../../src/lib/diff.ts";

const written = (before: string, after: string): string[] => diffLines(before, after).map((line) => line.sign + line.text);

test("only what changed is marked", () => {
  assert.deepEqual(written("a\nb\nc", "a\nx\nc"), [" a", "-b", "+x", " c"]);
  assert.deepEqual(written("a\nb", "a\nb"), [" a", " b"]);
  assert.deepEqual(written("a\nb\nc\nd", "b\nd\ne"), ["-a", " b", "-c", " d", "+e"]);
});

test("both texts can be read back from the difference, however long", () => {
  for (const [before, after] of [["", "a"], ["a\na\na", "a"], [Array.from({ length: 3000 }, (_, n) => `x${n}`).join("\n"), Array.from({ length: 3000 }, (_, n) => `y${n}`).join("\n")]] as const) {
    const lines = diffLines(before, after);
    assert.equal(lines.filter((line) => line.sign !== "+").map((line) => line.text).join("\n"), before);
    assert.equal(lines.filter((line) => line.sign !== "-").map((line) => line.text).join("\n"), after);
  }
});
