import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../../src/i18n/en.ts";
import { fr } from "../../src/i18n/fr.ts";
import { fill, form, type Forms } from "../../src/lib/message.ts";

const english: Record<string, string | Forms> = en;
const french: Record<string, string | Forms> = fr;
const parameters = (message: string | Forms): string[] =>
  [...new Set((typeof message === "string" ? message : message.other).match(/\{\w+\}/g) ?? [])].sort();

test("French has every key of English and no other", () => {
  assert.deepEqual(Object.keys(french).sort(), Object.keys(english).sort());
});

test("both languages speak of the same things", () => {
  for (const [key, message] of Object.entries(english)) {
    assert.deepEqual(parameters(french[key] ?? ""), parameters(message), key);
    for (const text of [message, french[key]].flatMap((each) => (typeof each === "object" ? Object.values(each) : [each]))) {
      assert.ok(text?.trim(), `${key} is empty`);
    }
  }
});

test("French has the form of millions where it has forms", () => {
  for (const [key, message] of Object.entries(french)) {
    if (typeof message === "object") assert.ok(message.many, key);
  }
});

test("French is written as French: no-break space not needed, but no English quotes or apostrophes", () => {
  for (const [key, message] of Object.entries(french)) {
    for (const text of typeof message === "object" ? Object.values(message) : [message]) {
      assert.doesNotMatch(text, /['"]/, key);
    }
  }
});

test("0 is one in French, other in English; a million is its own form", () => {
  const forms = { one: "one", many: "many", other: "other" };
  assert.deepEqual([0, 1, 2, 1_000_000].map((n) => form(forms, n, "fr-CA")), ["one", "one", "other", "many"]);
  assert.deepEqual([0, 1, 2, 1_000_000].map((n) => form(forms, n, "en-CA")), ["other", "one", "other", "other"]);
});

test("a parameter is put in, a missing one stays visible, none is read as a pattern", () => {
  assert.equal(fill("{n} of {all}", { n: 1 }), "1 of {all}");
  assert.equal(fill("{name}", { name: "$& {n}", n: 2 }), "$& {n}");
});
