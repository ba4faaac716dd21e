// How times, numbers and values are written. One clock: UTC. Intl is not used for times: its French writes `19 h 03 min 07 s`.

const pad = (number: number, width = 2): string => String(number).padStart(width, "0");

/** `2026-11-24 19:03:07.042Z`; what is not a time is shown as it came. */
export function stamp(text: string | null | undefined): string {
  if (!text) return "";
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  return `${day(time)} ${clockOf(time)}`;
}

/** A time no older than this needs no day: newest first, 23:59 before 00:01 is yesterday's. */
const DAYLESS_MS = 20 * 3_600_000;

function needsDay(time: Date, now: number): boolean {
  return Math.abs(now - time.getTime()) > DAYLESS_MS;
}

/** `19:03:07.042Z` for a time of the last hours, else the whole stamp. */
export function clock(text: string | null | undefined, now: number): string {
  if (!text) return "";
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  return needsDay(time, now) ? stamp(text) : clockOf(time);
}

/** `19:03:07Z` for a time of the last hours, else its day: for narrow columns, beside a tooltip with the rest. */
export function brief(text: string | null | undefined, now: number): string {
  if (!text) return "";
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  return needsDay(time, now) ? day(time) : `${clockOf(time).slice(0, 8)}Z`;
}

/** `2026-11-24 19:00Z`. */
export function hour(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  return `${day(time)} ${pad(time.getUTCHours())}:00Z`;
}

/** `2026-11-24 14:03:07.042-05:00`: the reader's own zone, for tooltips beside the UTC stamp. */
export function local(text: string | null | undefined): string {
  if (!text) return "";
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const offset = -time.getTimezoneOffset();
  const moved = new Date(time.getTime() + offset * 60_000);
  const sign = offset < 0 ? "-" : "+";
  const zone = `${sign}${pad(Math.floor(Math.abs(offset) / 60))}:${pad(Math.abs(offset) % 60)}`;
  return `${day(moved)} ${clockOf(moved).slice(0, -1)}${zone}`;
}

function day(time: Date): string {
  return `${time.getUTCFullYear()}-${pad(time.getUTCMonth() + 1)}-${pad(time.getUTCDate())}`;
}

function clockOf(time: Date): string {
  const seconds = `${pad(time.getUTCHours())}:${pad(time.getUTCMinutes())}:${pad(time.getUTCSeconds())}`;
  return `${seconds}.${pad(time.getUTCMilliseconds(), 3)}Z`;
}

/** Milliseconds with a unit that suits them: `12 ms`, `1.2 s`, `3 min`, `5 h`, `2 d`. French: comma, `j` for days. */
export function duration(ms: number | null | undefined, locale: string): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return "–";
  const size = Math.abs(ms);
  const number = (value: number, digits: number) => decimal(value, locale, digits);
  if (size < 1000) return `${number(ms, size < 10 ? 1 : 0)}\u00a0ms`;
  if (size < 60_000) return `${number(ms / 1000, 1)}\u00a0s`;
  if (size < 3_600_000) return `${number(ms / 60_000, 0)}\u00a0min`;
  if (size < 86_400_000) return `${number(ms / 3_600_000, 0)}\u00a0h`;
  return `${number(ms / 86_400_000, 0)}\u00a0${locale.startsWith("fr") ? "j" : "d"}`;
}

/** `1,234.5` in English, `1 234,5` with no-break spaces in French. */
export function decimal(value: number, locale: string, digits = 0): string {
  const text = new Intl.NumberFormat(locale, { maximumFractionDigits: digits }).format(value);
  return text.replace(/\u202f/g, "\u00a0");
}

/** `2,345` as `2.3k` for places where a digit more costs a column. */
export function short(value: number, locale: string): string {
  if (value < 10_000) return decimal(value, locale);
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 })
    .format(value)
    .replace(/\u202f/g, "\u00a0");
}

/** The first characters of the random part of a STIX id, for places where the type stands beside it. */
export function shortId(id: string): string {
  const at = id.indexOf("--");
  return at < 0 ? id.slice(0, 8) : id.slice(at + 2, at + 10);
}
