// Made-up centres for developing and testing the console. Never shipped: `dist` holds nothing of this folder.
const TLP = { C: "CLEAR", G: "GREEN", A: "AMBER", S: "AMBER+STRICT", R: "RED" };

export const marking = (letter, more = {}) => ({
  tlp: TLP[letter] ?? null,
  text: TLP[letter] ? `TLP:${TLP[letter]}` : "UNMARKED",
  caveats: [],
  releasable_to: [],
  statements: [],
  ...more,
});

let seed = 7;
export const random = () => {
  seed = (seed * 1103515245 + 12345) & 0x7fffffff;
  return seed / 0x7fffffff;
};
const pick = (list) => list[Math.floor(random() * list.length)];
const hex = (n) => Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join("");
export const uuid = () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}`;
export const ago = (ms) => new Date(Date.now() - ms).toISOString().replace("Z", "000Z");

const WORDS = ["Harbour", "Cinder", "Juniper", "Quartz", "Tundra", "Osprey", "Lantern", "Cobalt", "Maple", "Granite"];
const WHAT = ["beacon", "loader", "phishing kit", "PLC scanner", "stager", "exfiltration point"];
const domain = () => `${pick(["cdn", "update", "mail", "portal", "sync"])}-${hex(4)}.${pick(["example", "invalid", "test"])}`;
const address = () => `198.51.100.${Math.floor(random() * 254) + 1}`;

/** An indicator: its row and its object. */
export function indicator(origin, letter, at, more = {}) {
  const id = `indicator--${uuid()}`;
  const value = random() < 0.6 ? domain() : address();
  const pattern = /^\d/.test(value) ? `[ipv4-addr:value = '${value}']` : `[domain-name:value = '${value}' OR domain-name:value LIKE '%.${value}']`;
  const name = `${pick(WORDS)} ${pick(WHAT)}`;
  const row = {
    id, type: "indicator", origin, name, value: pattern, marking: marking(letter, more), created: at, modified: at, added: at,
    revoked: false, count: null, sighting_of: null, first_seen: null, last_seen: null,
  };
  const object = {
    type: "indicator", spec_version: "2.1", id, created: at, modified: at, name,
    description: "Seen in traffic of two utilities.\nCalls home every two seconds over HTTP.", indicator_types: ["malicious-activity"], pattern, pattern_type: "stix",
    valid_from: at, confidence: 80, labels: ["energy", "ics"],
  };
  return { row, object, value };
}

export function sighting(origin, of, at, count) {
  return {
    ...of.row, id: `sighting--${uuid()}`, type: "sighting", origin, sighting_of: of.row.id, created: at, modified: at, added: at,
    count, first_seen: at, last_seen: at,
  };
}

export function hit(of, at) {
  const isName = !/^\d/.test(of.value);
  return {
    id: uuid(), indicator: of.row.id, indicator_name: of.row.name, time: at, received: at, sensor: pick(["ottawa-1", "gatineau-2"]), site: "energy-east",
    field: isName ? "dns.question.name" : "destination.ip", value: of.value, marking: of.row.marking,
    observation: {
      "@timestamp": at, event: { kind: "event", category: ["network"], type: ["connection", "protocol"], dataset: isName ? "bridgewatch.dns" : "bridgewatch.flow" },
      source: { ip: "192.0.2.17", port: 51514 }, destination: { ip: isName ? "192.0.2.53" : of.value, port: isName ? 53 : 443 },
      network: { transport: isName ? "udp" : "tcp", protocol: isName ? "dns" : "tls", community_id: "1:wCb3OG7yAFWelaUydu0D+125CLM=" },
      ...(isName ? { dns: { question: { name: of.value, type: "A" }, answers: [{ name: of.value, type: "A", data: "203.0.113.9" }] } } : {}),
      bridgewatch: { record: 4711 },
    },
  };
}

/** Names that somebody could send: markup, hidden directions, terminal escapes, words without an end, links. */
export const HOSTILE = [
  "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>",
  "invoice\u202Egpj.exe \u2066hidden\u2069 zero\u200Bwidth",
  "\u001B[31mred\u001B[0m\u0007\u0000bell",
  "W".repeat(600),
  "https://login.evil.example/account?next=javascript:alert(1)",
  "{{constructor.constructor('alert(1)')()}} ${7*7} {@html x}",
];

/** An indicator whose every text is one of those. */
export function adverse(name, at) {
  const item = indicator("us", "A", at);
  item.row.name = name;
  item.row.value = `[url:value = 'https://login.evil.example/${name.slice(0, 60).replace(/['\\]/g, "")}']`;
  item.row.marking.caveats = [name.slice(0, 40)];
  item.row.marking.statements = [name];
  Object.assign(item.object, { name, description: `${name}\n${name}`, pattern: item.row.value, labels: [name], indicator_types: [name], lang: "en\" onload=\"x" });
  return item;
}
