// The search field: what a reader types is the whole state of a search. Operators become parameters, the rest is the query.
import { refang } from "./value.ts";

export const OPERATORS = ["type", "origin", "marking", "since", "until"] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Query {
  /** What is left for the server's query: values, words, `field:value`, a STIX pattern. */
  q: string;
  filters: Partial<Record<Operator, string>>;
}

/** A phrase in quotes, which is passed over, or an operator with its value. */
const TOKEN = /"[^"]*"?|(?:^|\s)(type|origin|marking|since|until):(\S+)/gi;

/** Where the pattern ends that a text begins with; 0 where it begins with none. */
function patternEnd(text: string): number {
  if (!/^\(*\[/.test(text)) return 0;
  const bracket = text.lastIndexOf("]") + 1;
  return bracket + (/^\)*/.exec(text.slice(bracket))?.[0].length ?? 0);
}

/** Reads the field. A pattern keeps everything up to its last `]`. */
export function parseQuery(text: string): Query {
  const trimmed = text.trim();
  const end = patternEnd(trimmed);
  const filters: Query["filters"] = {};
  const rest = trimmed.slice(end).replace(TOKEN, (token, name: string | undefined, value: string) => {
    if (name === undefined) return token;
    filters[name.toLowerCase() as Operator] = value;
    return "";
  });
  const words = rest.trim().split(/\s+/).filter(Boolean).map(refang).join(" ");
  return { q: [trimmed.slice(0, end), words].filter(Boolean).join(" "), filters };
}

/** The field's text with an operator set, or taken out where `value` is null. */
export function withFilter(text: string, name: Operator, value: string | null): string {
  const trimmed = text.trim();
  const end = patternEnd(trimmed);
  const rest = trimmed.slice(end).replace(TOKEN, (token, found: string | undefined) => (found?.toLowerCase() === name ? "" : token));
  const set = value === null ? "" : `${name}:${value}`;
  return [trimmed.slice(0, end).trim(), rest.trim(), set].filter(Boolean).join(" ");
}

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** A time operator's value as RFC 3339: a date, a time, or `24h` before `now`; undefined where it is none. */
export function timeOf(value: string | undefined, now: number): string | undefined {
  if (!value) return undefined;
  const relative = /^(\d{1,5})([mhdw])$/i.exec(value);
  if (relative) return new Date(now - Number(relative[1]) * (UNITS[(relative[2] ?? "h").toLowerCase()] ?? 0)).toISOString();
  const time = readUtc(value);
  return time === null ? undefined : new Date(time).toISOString();
}

/** Milliseconds of `2026-12-24`, `2026-12-24T12:00`, `2026-12-24 12:00:00Z`; without a zone it is UTC. Null if it is none. */
export function readUtc(text: string): number | null {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i.exec(text.trim());
  if (!match) return null;
  const time = Date.parse(`${match[1]}T${match[2] ?? "00:00"}${(match[3] ?? "Z").toUpperCase()}`);
  return Number.isNaN(time) ? null : time;
}

/** The same field with relative times made absolute, for a link that means the same tomorrow. */
export function frozen(text: string, now: number): string {
  const { filters } = parseQuery(text);
  let result = text;
  for (const name of ["since", "until"] as const) {
    const value = timeOf(filters[name], now);
    if (value) result = withFilter(result, name, value);
  }
  return result;
}
