// Values are inert: shown defanged, with control characters made visible, never as links. Both spellings are understood in input.

/** Characters that change how a text looks without being seen: controls, bidirectional marks, zero widths, line separators. */
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** Makes invisible characters visible: `\u202e`. Line breaks and tabs become `\n`, `\t`. */
export function visible(text: string): string {
  return text.replace(INVISIBLE, (sign) => {
    if (sign === "\n") return "\\n";
    if (sign === "\t") return "\\t";
    if (sign === "\r") return "\\r";
    return `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Names with dots whose last part could be a domain's or an address's; a time's seconds and a version's numbers stay whole. */
const DOTTED = /(?<![\w[]|(?<!%)\.)(?:[a-z0-9_-]+\.)+(?:[a-z][a-z0-9-]+|\d{1,3}(?<=(?:\b\d{1,3}\.){3}\d{1,3}))(?![\w[])/gi;
/** Words of STIX object paths hold dots and must stay readable: `network-traffic:dst_ref.value`. */
const STIX_PATH = /[a-z0-9-]+:[a-z0-9_'.[\]*-]+(?=\s*(?:=|!=|<|>|IN\b|NOT\b|LIKE\b|MATCHES\b|ISSUBSET\b|ISSUPERSET\b))/gi;

/** The spelling that nobody clicks by mistake: `hxxp`, `[.]`, `[@]`. For display and plain copies. */
export function defang(text: string): string {
  return outsidePaths(visible(text), (part) =>
    part
      .replace(/\bhttp(s?):\/\//gi, "hxxp$1://")
      .replace(/\bftp:\/\//gi, "fxp://")
      .replace(/(?<=[\w.+-])@(?=[\w-]+\.)/g, "[@]")
      .replace(DOTTED, (name) => name.replaceAll(".", "[.]")),
  );
}

function outsidePaths(text: string, change: (part: string) => string): string {
  let result = "";
  let at = 0;
  for (const path of text.matchAll(STIX_PATH)) {
    result += change(text.slice(at, path.index)) + path[0];
    at = path.index + path[0].length;
  }
  return result + change(text.slice(at));
}

/** Undoes defanging of what people type or paste; the server does the same. */
export function refang(text: string): string {
  return text
    .trim()
    .replace(/\bh(?:xx|tx|xt)p(s?)(?=:|\[:)/gi, "http$1")
    .replace(/\bfxp(?=:|\[:)/gi, "ftp")
    .replace(/\[:\/\/\]/g, "://")
    .replace(/\[:\]/g, ":")
    .replace(/\[\.\]|\(\.\)|\{\.\}/g, ".")
    .replace(/\[@\]|\(@\)/g, "@")
    .replace(/\[\/\]/g, "/");
}

export type ValueKind = "ipv4" | "ipv6" | "cidr" | "domain" | "url" | "email" | "md5" | "sha1" | "sha256";

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** What kind of value a text is, or none. */
export function classify(text: string): ValueKind | null {
  const value = refang(text);
  if (IPV4.test(value)) return "ipv4";
  const slash = value.split("/");
  if (slash.length === 2 && /^\d{1,3}$/.test(slash[1] ?? "")) {
    const address = slash[0] ?? "";
    if (IPV4.test(address) && Number(slash[1]) <= 32) return "cidr";
    if (isIpv6(address) && Number(slash[1]) <= 128) return "cidr";
  }
  if (isIpv6(value)) return "ipv6";
  if (/^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(value)) return "url";
  if (/^[^@\s]+@[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(value)) return "email";
  if (/^[0-9a-f]{32}$/i.test(value)) return "md5";
  if (/^[0-9a-f]{40}$/i.test(value)) return "sha1";
  if (/^[0-9a-f]{64}$/i.test(value)) return "sha256";
  if (/^(?=.{1,253}\.?$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{1,62}\.?$/i.test(value)) return "domain";
  return null;
}

function isIpv6(text: string): boolean {
  if (!/^[0-9a-f:.]+$/i.test(text) || (text.match(/:/g)?.length ?? 0) < 2) return false;
  try {
    return new URL(`http://[${text}]/`).hostname.startsWith("[");
  } catch {
    return false;
  }
}

/** A constant of a comparison: a text in quotes or a number; what is compared with `!=` says what is not meant. */
const CONSTANT = /(?:(?<!!)[=<>]|\b(?:LIKE|MATCHES|ISSUBSET|ISSUPERSET)\b|[(,])\s*(?:'((?:[^'\\]|\\.)*)'|(-?\d+(?:\.\d+)?)(?![\w.]))/g;

export interface Essence {
  /** The first value, or the whole text where it is no pattern. */
  first: string;
  /** How many other values the pattern names. */
  more: number;
}

/** What a pattern looks for, for a list's narrow column: `[domain-name:value = 'x.example' OR …]` as `x.example`. */
export function essence(text: string): Essence {
  const trimmed = text.trim();
  if (!/^\(*\[/.test(trimmed)) return { first: text, more: 0 };
  const values = new Set<string>();
  for (const [, quotedText, numberText] of trimmed.matchAll(CONSTANT)) {
    values.add(numberText ?? (quotedText ?? "").replace(/\\(.)/g, "$1").replace(/^%\./, ""));
  }
  const [first, ...others] = values;
  return first === undefined ? { first: text, more: 0 } : { first, more: others.length };
}
