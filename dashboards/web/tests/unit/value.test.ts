import assert from "node:assert/strict";
import { test } from "node:test";
import { classify, defang, essence, refang, visible } from "../../src/lib/value.ts";

test("what could be clicked is written so that it cannot", () => {
  assert.equal(defang("https://evil.example/a?b=cc.dd"), "hxxps://evil[.]example/a?b=cc[.]dd");
  assert.equal(defang("ftp://files.example"), "fxp://files[.]example");
  assert.equal(defang("bad@mail.example"), "bad[@]mail[.]example");
  assert.equal(defang("198.51.100.7"), "198[.]51[.]100[.]7");
  assert.equal(defang("'%.evil.example' host:evil.example"), "'%.evil[.]example' host:evil[.]example");
  assert.equal(defang("beacon to evil.example, again"), "beacon to evil[.]example, again");
});

test("what no browser would follow stays readable", () => {
  for (const text of ["2026-11-24T19:03:07.042000Z", "1.5", "version 2.1", "a sentence. Another", "e.g. this", "1:wCb3OG7yAFWelaUydu0D+125CLM="]) {
    assert.equal(defang(text), text);
  }
  assert.equal(
    defang("[network-traffic:dst_ref.value = '198.51.100.7' AND file:hashes.MD5 = 'aa']"),
    "[network-traffic:dst_ref.value = '198[.]51[.]100[.]7' AND file:hashes.MD5 = 'aa']",
  );
});

test("defanging twice changes nothing more, and refanging undoes it", () => {
  for (const text of ["https://evil.example/a", "bad@mail.example", "198.51.100.7", "evil.example", "hxxp://x[.]example"]) {
    assert.equal(defang(defang(text)), defang(text));
    assert.equal(refang(defang(text)), refang(text));
  }
  assert.equal(refang("hXXps[://]evil(.)example[/]x"), "https://evil.example/x");
});

test("invisible characters become visible", () => {
  assert.equal(visible("a\u202egpj.exe"), "a\\u202egpj.exe");
  assert.equal(visible("\u001b[31mred\u0007"), "\\u001b[31mred\\u0007");
  assert.equal(visible("zero\u200bwidth\ufeff"), "zero\\u200bwidth\\ufeff");
  assert.equal(visible("a\tb\r\n"), "a\\tb\\r\\n");
  assert.equal(visible("été — naïve 中文"), "été — naïve 中文");
});

test("values are told apart", () => {
  const kinds = {
    "198.51.100.7": "ipv4", "198.51.100.256": null, "198.51.100.0/24": "cidr", "198.51.100.0/33": null, "2001:db8::1": "ipv6", "2001:db8::/32": "cidr",
    "evil[.]example": "domain", localhost: null, "hxxps://evil[.]example/x": "url", "bad[@]mail[.]example": "email",
    ["a".repeat(32)]: "md5", ["b".repeat(40)]: "sha1", ["c".repeat(64)]: "sha256", ["d".repeat(63)]: null, "two words": null, "": null,
  };
  for (const [text, kind] of Object.entries(kinds)) assert.equal(classify(text), kind, text);
});

test("a list shows what a pattern looks for", () => {
  assert.deepEqual(essence("[domain-name:value = 'x.example' OR domain-name:value LIKE '%.x.example']"), { first: "x.example", more: 0 });
  assert.deepEqual(essence("[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 443]"), { first: "198.51.100.7", more: 1 });
  assert.deepEqual(essence("[file:hashes.'SHA-256' = 'aa' OR file:name IN ('b', 'it\\'s')]"), { first: "aa", more: 2 });
  assert.deepEqual(essence("[file:name != 'a']"), { first: "[file:name != 'a']", more: 0 });
  assert.deepEqual(essence("198.51.100.7"), { first: "198.51.100.7", more: 0 });
});
