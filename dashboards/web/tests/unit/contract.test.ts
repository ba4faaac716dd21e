// What the console has words and screens for, against the sources of what answers it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { en } from "../../src/i18n/en.ts";
import { mayPublish, mayUse, mayValidate, screensOf } from "../../src/lib/access.ts";
import { SCREENS } from "../../src/lib/route.ts";

const source = (path: string): string => readFileSync(new URL(`../../../../../${path}`, import.meta.url), "utf8");
const codes = (text: string): string[] => [...text.matchAll(/=> "([a-z_]+)"/g)].map((match) => match[1] ?? "");

test("every reason to withhold has words", () => {
  const reasons = codes(source("sharing/src/reason.rs"));
  assert.ok(reasons.length > 5);
  for (const reason of reasons) assert.ok(Object.hasOwn(en, `reason.${reason}`), reason);
});

test("every code of a failed request has words", () => {
  const failures = [...source("docs/rest-api.md").matchAll(/`([a-z_]+)` [45]\d\d/g)].map((match) => match[1] ?? "");
  assert.ok(failures.length > 8);
  for (const failure of failures) assert.ok(Object.hasOwn(en, `error.${failure}`), failure);
});

test("the fields of rows, hits and the border are those of the contract", () => {
  const wire = readFileSync(new URL("../../../src/lib/wire.ts", import.meta.url), "utf8");
  const contract = source("docs/rest-api.md");
  for (const name of ["Row", "Hit", "Border", "Object"]) {
    const body = new RegExp(`\\*\\*${name}\\*\\* \`([\\s\\S]*?)\``).exec(contract)?.[1] ?? "";
    const fields = [...body.matchAll(/"([a-z_0-9]+)"(?=[,:}])/g)].map((match) => match[1] ?? "");
    assert.ok(fields.length > 5, name);
    for (const field of fields) {
      // Values written out as examples are no fields.
      if (!["us", "amber", "red"].includes(field)) assert.match(wire, new RegExp(`\\b${field}\\??:`), `${name}.${field}`);
    }
  }
});

test("each role gets the screens that answer it", () => {
  assert.deepEqual(screensOf(["analyst"]), SCREENS.filter((screen) => !["objects", "quarantine"].includes(screen)));
  assert.deepEqual(screensOf(["publisher"]), SCREENS.filter((screen) => screen !== "objects"));
  assert.deepEqual(screensOf(["partner"]), ["search", "publish", "quarantine"]);
  assert.deepEqual(screensOf(["sensor"]), []);
  assert.ok(mayUse("border", ["officer"]) && !mayUse("border", ["operator"]));
  assert.ok(mayPublish(["partner"]) && !mayValidate(["partner"]));
  assert.ok(mayValidate(["analyst"]) && !mayPublish(["analyst"]));
});
