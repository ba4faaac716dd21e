// A centre that is not one: serves dist with the console's policy and answers docs/rest-api.md from memory.
// For `npm test` and for looking at the console while working on it: `node mock/server.mjs [port] [centre]`.
import { createReadStream, existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { HOSTILE, adverse, ago, hit, indicator, marking, random, sighting } from "./data.mjs";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const SOURCE = readFileSync(new URL("../../src/lib.rs", import.meta.url), "utf8");
/** The policy that the binary serves, read from where it is written. */
export const POLICY = /CONTENT_SECURITY_POLICY: &str = "([^"]+)"/.exec(SOURCE)[1].replace(/\\\n\s*/g, "");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
const NAMES = { us: ["Cyber operations center, United States", "USA"], ca: ["Cyber operations centre, Canada", "CAN"] };
const BANNERS = { us: { text: "UNCLASSIFIED", colour: "#007A33", ink: "#FFFFFF" }, ca: { text: "PROTECTED B / PROTÉGÉ B", colour: "#333333", ink: "#FFFFFF" } };
const HOUR = 3_600_000;

export function start({ centre = "ca", port = 0, idle_s = 900, rate_ms = 900, roles = ["analyst", "publisher", "officer"], quiet = false, broken = false, hostile = false, exercise = false } = {}) {
  const partner = centre === "ca" ? "us" : "ca";
  const state = { indicators: [], sightings: [], hits: [], quarantine: [], streams: new Set(), link: "up", burst: 0, cookies: new Set(), gone: new Set() };
  const letters = ["C", "G", "A", "S", "R"];
  for (let n = 0; n < 420 && !quiet; n += 1) {
    const origin = n % 3 ? "us" : "ca";
    const more = n % 11 === 0 ? { releasable_to: ["USA", "CAN"] } : n % 17 === 0 ? { caveats: origin === "us" ? ["NOFORN"] : ["CANADIAN EYES ONLY"] } : {};
    state.indicators.push(indicator(origin, n % 23 === 5 ? "" : letters[n % 5], ago(n * 0.21 * HOUR), more));
  }
  if (hostile) for (const [n, name] of HOSTILE.entries()) state.indicators.unshift(adverse(name, ago(n * 1000)));
  for (let n = 0; n < 60 && !quiet; n += 1) {
    const of = state.indicators[n % 25];
    state.hits.push(hit(of, ago(n * 47_000)));
    state.sightings.push(sighting(n % 3 ? centre : partner, of, ago(n * 0.7 * HOUR), 1 + Math.floor(random() * 60)));
  }
  if (!quiet) state.quarantine.push({
    id: "6e3b0f52-5f0b-5b8e-9a51-0d0c3a6f6d11", received: ago(5 * 60_000), submitter: `alice@${centre}`,
    faults: [
      { object: "indicator--11111111-2222-4333-8444-555555555555", pointer: "/pattern", severity: "error", code: "pattern-syntax", section: "STIX 2.1 §9", message: "the pattern ends inside a comparison; write a value in quotes after `=` (at byte 22 of the pattern)" },
      { object: "indicator--11111111-2222-4333-8444-555555555555", pointer: "/indicator_types", severity: "warning", code: "property-empty-list", section: "STIX 2.1 §2.9", message: "an empty list is not allowed; leave the property out" },
    ],
    object: JSON.stringify({ type: "indicator", spec_version: "2.1", id: "indicator--11111111-2222-4333-8444-555555555555", created: ago(HOUR), modified: ago(HOUR), name: "Broken beacon", indicator_types: [], pattern: "[domain-name:value = ", pattern_type: "stix", valid_from: ago(HOUR) }),
  });
  const send = (event, data) => {
    for (const stream of state.streams) stream.write(`id: ${Date.now()}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const publish = (item) => {
    state.indicators.unshift(item);
    send("object", item.row);
    setTimeout(() => {
      const heard = hit(item, ago(0));
      state.hits.unshift(heard);
      send("hit", heard);
      const seen = sighting(centre, item, ago(0), 1);
      state.sightings.unshift(seen);
      send("sighting", seen);
    }, 300);
  };
  const timers = [
    setInterval(() => {
      if (quiet) return;
      if (quiet) return;
      const origin = random() < 0.6 ? "us" : "ca";
      const kind = random();
      const of = state.indicators[Math.floor(random() * 25)];
      if (kind < 0.35) {
        const item = indicator(origin, letters[Math.floor(random() * 4)], ago(6));
        state.indicators.unshift(item);
        send("object", item.row);
      } else if (kind < 0.7) send("hit", hit(of, ago(38)));
      else if (kind < 0.97) {
        const seen = sighting(origin, of, ago(12), 1 + Math.floor(random() * 30));
        state.sightings.unshift(seen);
        send("sighting", seen);
      }
      else send("withdrawal", { id: of.row.id, modified: of.row.modified, origin: of.row.origin });
      for (let n = 0; n < state.burst; n += 1) send("hit", { ...hit(of, ago(20)), value: `n${n}.${of.value}` });
    }, rate_ms),
    setInterval(() => send("status", status()), 1000),
  ];
  const status = () => ({ now: new Date().toISOString(), link: { state: state.link }, observations: 1_284_331 + Math.floor(Date.now() / 900) % 1e6, hits: 4211, latency_ms: { p50: 8.4, p99: 31.7, n: 318 } });
  const centreBody = { centre, name: NAMES[centre][0], country: NAMES[centre][1], banner: BANNERS[centre], exercise };
  const who = { principal: `alice@${centre}`, organisation: NAMES[centre][0], roles, centre, partner, idle_s, banner: BANNERS[centre] };

  function search(url) {
    const get = (name) => url.searchParams.get(name) ?? "";
    const words = get("q").toLowerCase().split(/\s+/).filter(Boolean);
    const keys = ["type", "origin"];
    const hits = state.hits.map((each) => ({
      id: each.id, type: "hit", origin: centre, name: each.indicator_name, value: each.value, marking: each.marking, created: null, modified: null, added: each.received,
      revoked: false, count: null, sighting_of: each.indicator, first_seen: each.time, last_seen: each.time,
    }));
    const all = (get("type") === "hit" ? hits : [...state.indicators.map((item) => item.row), ...state.sightings]).filter((row) => {
      const text = `${row.id} ${row.name} ${row.value}`.toLowerCase();
      return words.every((word) => text.includes(word)) && keys.every((key) => !get(key) || row[key] === get(key))
        && (!get("marking") || (row.marking.tlp ?? "UNMARKED") === get("marking"))
        && (!get("since") || row.added >= get("since")) && (!get("until") || row.added < get("until"));
    }).sort((a, b) => (a.added < b.added ? 1 : -1));
    const tally = (of) => all.reduce((sums, row) => ({ ...sums, [of(row)]: (sums[of(row)] ?? 0) + 1 }), {});
    const at = Number(get("cursor") || 0);
    const limit = Math.min(Number(get("limit") || 50), 200);
    const hours = tally((row) => `${row.added.slice(0, 13)}:00:00Z`);
    return {
      hits: all.slice(at, at + limit), total: all.length, more: at + limit < all.length, cursor: String(at + limit),
      facets: { type: tally((row) => row.type), origin: tally((row) => row.origin), marking: tally((row) => row.marking.tlp ?? "UNMARKED") },
      histogram: Object.entries(hours).map(([hour, count]) => ({ hour, count })),
    };
  }

  function page(id) {
    const item = state.indicators.find((each) => each.row.id === id);
    const seen = state.sightings.find((each) => each.id === id);
    if (seen) {
      const object = { type: "sighting", spec_version: "2.1", id, created: seen.created, modified: seen.modified, first_seen: seen.first_seen, last_seen: seen.last_seen, count: seen.count, sighting_of_ref: seen.sighting_of };
      return {
        id, type: "sighting", statements: [{ origin: seen.origin, marking: seen.marking, versions: [{ modified: seen.modified, added: seen.added, object }] }],
        relations: [{ property: "sighting_of_ref", direction: "out", id: seen.sighting_of, type: "indicator", name: seen.name, marking: seen.marking }],
        sightings: [], hits: [], hours: [], matching: { state: "not_an_indicator", reason: null },
      };
    }
    if (!item) return null;
    const sightings = state.sightings.filter((row) => row.sighting_of === id);
    const older = { ...item.object, modified: ago(30 * HOUR), confidence: 40, description: "First report." };
    return {
      id, type: "indicator",
      statements: [{ origin: item.row.origin, marking: item.row.marking, versions: [{ modified: item.row.modified, added: item.row.added, object: item.object }, { modified: older.modified, added: older.modified, object: older }] }],
      relations: [
        { property: "created_by_ref", direction: "out", id: "identity--5d6b0e0c-9a4b-4c7e-8f0d-1f9a7c1f2a3b", type: "identity", name: "Cyber Defence Cell", marking: marking("C") },
        { property: "object_refs", direction: "in", id: "report--7d6b0e0c-9a4b-4c7e-8f0d-1f9a7c1f2a3b", type: "report", name: "Weekly summary, energy", marking: marking("G") },
      ],
      sightings, hits: state.hits.filter((each) => each.indicator === id).slice(0, 20),
      hours: Array.from({ length: 40 }, (_, n) => [{ hour: `${ago(n * HOUR).slice(0, 13)}:00:00Z`, origin: "us", count: Math.floor(random() * 30) }, { hour: `${ago(n * HOUR).slice(0, 13)}:00:00Z`, origin: "ca", count: n % 4 ? Math.floor(random() * 12) : 0 }]).flat().filter((bar) => bar.count),
      matching: { state: "matched", reason: null },
    };
  }

  const border = () => ({
    partner, link: { state: state.link, reason: state.link === "up" ? null : "connection refused", since: ago(7.2 * HOUR), sent: 318, received: 1204, queue: 0 },
    sent: { objects: 311, withdrawn: 1 }, received: { objects: 1199, withdrawn: 2 },
    withheld: roles.includes("officer") ? { red: 4, noforn: 12, unmarked: 3, releasable_to: 2, hidden_end: 1, canadian_eyes_only: 0 } : null,
    latency_ms: { p50: 8.4, p99: 31.7, n: 1204 },
    recent: state.indicators.slice(0, 24).map((item, n) => ({ time: item.row.added, direction: n % 3 ? "received" : "sent", kind: n === 5 ? "withdrawal" : "release", id: item.row.id, type: "indicator", name: n === 5 ? null : item.row.name, marking: item.row.marking, rule: n % 3 ? null : "starter agreement · tlp" })),
  });

  function outcome(text, keep) {
    const body = JSON.parse(text);
    const result = { accepted: [], unchanged: [], quarantined: [], refused: [] };
    for (const object of body.objects ?? [body]) {
      const bad = object.type === "indicator" && !/^\[.*[^=\s]\s*\]$/s.test(object.pattern ?? "");
      if (bad) {
        result.quarantined.push({ id: object.id, faults: [{ object: object.id, pointer: "/pattern", severity: "error", code: "pattern-syntax", section: "STIX 2.1 §9", message: "the pattern ends inside a comparison; write a value in quotes after `=`" }] });
        continue;
      }
      result.accepted.push({ id: object.id, version: object.modified ?? object.created ?? null });
      if (keep && object.type === "indicator") {
        const item = indicator(centre, "G", ago(0));
        Object.assign(item.row, { id: object.id, name: object.name, value: object.pattern });
        item.object = object;
        item.value = /'([^']+)'/.exec(object.pattern)?.[1] ?? item.value;
        publish(item);
      }
    }
    return result;
  }

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, "http://mock");
    const headers = { "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store" };
    const answer = (status, body) => {
      response.writeHead(status, { ...headers, "Content-Type": "application/json" });
      response.end(body === undefined ? "" : JSON.stringify(body));
    };
    const fail = (status, code, detail = "") => answer(status, { code, title: code, detail, request_id: "r-0123456789" });
    if (!url.pathname.startsWith("/api/v1/")) return asset(url.pathname, response, headers);
    const path = url.pathname.slice("/api/v1".length);
    const text = await new Promise((done) => {
      let all = "";
      request.on("data", (part) => (all += part)).on("end", () => done(all));
    });
    if (path === "/centre") return answer(200, centreBody);
    if (request.method !== "GET" && request.headers["x-bridgewatch"] !== "1") return fail(403, "forbidden", "the header X-Bridgewatch is missing");
    if (path === "/session" && request.method === "POST") {
      if (!JSON.parse(text).token.startsWith("bw_")) return fail(401, "unauthenticated", "no such token");
      state.cookies.add("x");
      headers["Set-Cookie"] = "session=x; Path=/; HttpOnly; SameSite=Strict";
      return answer(200, who);
    }
    if (!(request.headers.cookie ?? "").includes("session=x") || !state.cookies.has("x")) return fail(401, "unauthenticated");
    if (path === "/session" && request.method === "DELETE") {
      state.cookies.clear();
      return answer(204);
    }
    if (path === "/session") return answer(200, who);
    if (path === "/live") {
      response.writeHead(200, { ...headers, "Content-Type": "text/event-stream" });
      response.write(`retry: 1000\nid: 1\nevent: status\ndata: ${JSON.stringify(status())}\n\n`);
      state.streams.add(response);
      request.on("close", () => state.streams.delete(response));
      return;
    }
    if (broken) return fail(503, "unavailable", "the store is being opened; try again in a moment");
    if (path === "/search") return answer(200, search(url));
    if (path === "/sightings") return answer(200, { sightings: state.sightings.slice(0, 100), more: false });
    if (path === "/hits") return answer(200, { hits: state.hits.slice(0, 100), more: false });
    if (path === "/border") return answer(200, border());
    if (path === "/quarantine") return answer(200, { items: state.quarantine, more: false });
    if (path === "/sensors") return answer(200, { sensors: quiet ? [] : [{ name: "ottawa-1", site: "energy-east", last_seen: ago(900), observations: 1_284_331, hits: 4102, lag_ms: 12, rules: 318 }, { name: "gatineau-2", site: "water", last_seen: ago(9 * HOUR), observations: 88_120, hits: 109, lag_ms: null, rules: 290 }] });
    if (path === "/validate" || path === "/objects") return answer(200, outcome(text, path === "/objects"));
    if (path.startsWith("/objects/")) {
      const found = page(decodeURIComponent(path.slice("/objects/".length)));
      return found ? answer(200, found) : fail(404, "not_found");
    }
    return fail(404, "not_found");
  });
  return new Promise((done) => {
    server.listen(port, "127.0.0.1", () =>
      done({
        url: `http://127.0.0.1:${server.address().port}`, state, send,
        stop: () => {
          timers.forEach(clearInterval);
          for (const stream of state.streams) stream.destroy();
          server.close();
        },
      }),
    );
  });
}

function asset(path, response, headers) {
  const name = normalize(path).replace(/^\/+/, "");
  const file = extname(name) ? join(DIST, name) : join(DIST, "index.html");
  if (!file.startsWith(DIST) || !existsSync(file)) {
    response.writeHead(404, headers);
    return response.end();
  }
  response.writeHead(200, { ...headers, "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(response);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start({ port: Number(process.argv[2] ?? 5180), centre: process.argv[3] ?? "ca" });
  console.log(`${url}/#token=bw_mock`);
}
