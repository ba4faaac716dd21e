// What the live screen holds: lanes of rows, newest first, bounded; what waits while paused; what a flood leaves out.
import type { Hit, LiveWithdrawal, Marking, Row } from "./wire.ts";

export type LiveKind = "hit" | "sighting" | "object" | "withdrawal";

export interface LiveRow {
  /** Unique in the buffer: an event that comes twice is shown once. */
  key: string;
  kind: LiveKind;
  lane: string;
  /** When it happened (RFC 3339) and when it arrived here (ms). */
  at: string;
  arrived: number;
  /** The object to open. */
  id: string;
  type: string;
  name: string;
  value: string;
  where: string;
  marking: Marking | null;
  revoked: boolean;
  /** From its origin (a hit: from its packet) to this screen, ms; null for rows that were there before. */
  delay: number | null;
  /** The newest of the hits that the row stands for. */
  hit: Hit | null;
  /** Keys of the further hits that the row stands for. */
  others: string[];
}

/** Rows kept in each lane. */
export const ROWS_MAX = 5000;
/** Rows of one lane that one flush shows; more is a flood, of which a sample is shown. */
export const FLUSH_ROWS_MAX = 250;
/** Hits of one value by one indicator at one sensor, within this time of the first, are one row that counts them. */
export const FOLD_MS = 60_000;
/** Indicators whose name is remembered for the sightings that follow. */
const NAMES_MAX = 5000;

export interface Lane {
  rows: LiveRow[];
  /** Rows that wait because the screen is paused. */
  waiting: number;
  /** Rows that a flood left out since the lane began. */
  skipped: number;
  total: number;
}

export class LiveBuffer {
  private readonly lanes = new Map<string, Lane>();
  private fresh: LiveRow[] = [];
  private freshSkipped = new Map<string, number>();
  private readonly keys = new Set<string>();
  /** The row that further hits of the same kind are folded into. */
  private readonly folds = new Map<string, { row: LiveRow; since: number }>();
  private readonly names = new Map<string, { name: string; value: string }>();

  constructor(
    lanes: readonly string[],
    private readonly own: string,
  ) {
    for (const lane of lanes) this.lanes.set(lane, { rows: [], waiting: 0, skipped: 0, total: 0 });
  }

  /** Takes a row in; doubles are dropped, and what waits too long during a pause is counted, not kept. */
  push(row: LiveRow): void {
    if (this.keys.has(row.key)) return;
    this.keys.add(row.key);
    this.fresh.push(row);
    this.lane(row.lane).total += 1;
    if (this.fresh.length > ROWS_MAX * 2) this.shed();
  }

  private shed(): void {
    for (const row of this.fresh.splice(0, ROWS_MAX)) {
      this.keys.delete(row.key);
      this.freshSkipped.set(row.lane, (this.freshSkipped.get(row.lane) ?? 0) + 1);
    }
  }

  /** Moves what arrived into the lanes, or only counts it while paused. True if anything changed. */
  flush(paused: boolean): boolean {
    if (paused) return this.countWaiting();
    if (this.fresh.length === 0 && this.freshSkipped.size === 0) return false;
    const arrived = new Map<string, LiveRow[]>();
    for (const row of this.fresh) {
      const rows = arrived.get(row.lane);
      if (rows) rows.push(row);
      else arrived.set(row.lane, [row]);
    }
    for (const [name, skipped] of this.freshSkipped) this.lane(name).skipped += skipped;
    this.fresh = [];
    this.freshSkipped = new Map();
    for (const [name, rows] of arrived) this.add(this.lane(name), rows);
    for (const lane of this.lanes.values()) lane.waiting = 0;
    return true;
  }

  private countWaiting(): boolean {
    const counts = new Map<string, number>(this.freshSkipped);
    for (const row of this.fresh) counts.set(row.lane, (counts.get(row.lane) ?? 0) + 1);
    let changed = false;
    for (const [name, lane] of this.lanes) {
      const waiting = counts.get(name) ?? 0;
      changed ||= waiting !== lane.waiting;
      lane.waiting = waiting;
    }
    return changed;
  }

  private add(lane: Lane, rows: LiveRow[]): void {
    const fresh = new Map<string, { row: LiveRow; events: number }>();
    for (const row of rows) {
      const folded = this.fold(row);
      const events = (fresh.get(folded.key)?.events ?? 0) + 1;
      fresh.delete(folded.key); // what happens again moves to the top
      fresh.set(folded.key, { row: folded, events });
    }
    const shown = sample([...fresh.values()], FLUSH_ROWS_MAX);
    lane.skipped += rows.length - shown.reduce((sum, { events }) => sum + events, 0);
    for (const { row } of shown) fresh.delete(row.key);
    for (const { row } of fresh.values()) this.folds.delete(group(row)); // left out: the next one begins a row of its own
    const moved = new Set(shown.map(({ row }) => row.key));
    this.keep(lane, [...shown.reverse().map(({ row }) => row), ...lane.rows.filter((row) => !moved.has(row.key))]);
  }

  private keep(lane: Lane, rows: LiveRow[]): void {
    for (const row of rows.slice(ROWS_MAX)) {
      for (const key of [row.key, ...row.others]) this.keys.delete(key);
      if (this.folds.get(group(row))?.row.key === row.key) this.folds.delete(group(row));
    }
    lane.rows = rows.slice(0, ROWS_MAX);
  }

  /** The row as it is, or the one of the same kind that already stands there, counting it too. */
  private fold(row: LiveRow): LiveRow {
    if (row.kind !== "hit") return row;
    const at = Date.parse(row.at);
    const there = this.folds.get(group(row));
    if (!there || Math.abs(at - there.since) >= FOLD_MS) {
      this.folds.set(group(row), { row, since: at });
      return row;
    }
    const newer = at >= Date.parse(there.row.at) ? row : there.row;
    const { key, others } = there.row;
    others.push(row.key); // shared: a flood would copy it for each hit
    there.row = { ...newer, key, others };
    return there.row;
  }

  /** Rows from before the stream began: sorted, below what is there, no flood. */
  fill(rows: LiveRow[]): void {
    const sorted = [...rows].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
    for (const row of sorted) {
      if (this.keys.has(row.key)) continue;
      this.keys.add(row.key);
      const lane = this.lane(row.lane);
      const folded = this.fold(row);
      const place = folded === row ? -1 : lane.rows.findIndex((each) => each.key === folded.key);
      this.keep(lane, place < 0 ? [...lane.rows, folded] : lane.rows.with(place, folded));
    }
  }

  snapshot(name: string): Lane {
    return { ...this.lane(name) };
  }

  /** Both lanes as one, newest arrival first. */
  merged(): Lane {
    const lanes = [...this.lanes.values()];
    const sum = (of: (lane: Lane) => number): number => lanes.reduce((total, lane) => total + of(lane), 0);
    const rows = lanes.flatMap((lane) => lane.rows).sort((a, b) => b.arrived - a.arrived || (a.at < b.at ? 1 : -1));
    return { rows: rows.slice(0, ROWS_MAX), waiting: sum((l) => l.waiting), skipped: sum((l) => l.skipped), total: sum((l) => l.total) };
  }

  private lane(name: string): Lane {
    let lane = this.lanes.get(name);
    if (!lane) {
      // An origin that is neither side: its rows stand with the centre's own.
      lane = this.lanes.get(this.own) ?? { rows: [], waiting: 0, skipped: 0, total: 0 };
    }
    return lane;
  }

  ofHit(hit: Hit, arrived: number, live: boolean): LiveRow {
    return {
      key: `hit ${hit.id}`,
      kind: "hit",
      lane: this.own,
      at: hit.time,
      arrived,
      id: hit.indicator,
      type: "indicator",
      name: hit.indicator_name ?? "",
      value: hit.value,
      where: [hit.sensor, hit.site].filter(Boolean).join(" · "),
      marking: hit.marking,
      revoked: false,
      delay: live ? arrived - Date.parse(hit.time) : null,
      hit,
      others: [],
    };
  }

  ofRow(row: Row, arrived: number, live: boolean): LiveRow {
    const kind = row.type === "sighting" ? "sighting" : "object";
    if (kind === "object" && row.name) this.remember(row.id, row.name, row.value ?? "");
    const of = row.sighting_of ? this.names.get(row.sighting_of) : undefined;
    return {
      key: `${kind} ${row.origin} ${row.id} ${row.modified ?? row.added}`,
      kind,
      lane: row.origin,
      at: row.added,
      arrived,
      id: row.id,
      type: row.type,
      name: row.name || of?.name || "",
      value: row.value || of?.value || "",
      where: row.count !== null && kind === "sighting" ? `× ${row.count}` : "",
      marking: row.marking,
      revoked: row.revoked,
      delay: live ? arrived - Date.parse(row.added) : null,
      hit: null,
      others: [],
    };
  }

  ofWithdrawal(gone: LiveWithdrawal, arrived: number): LiveRow {
    return {
      key: `withdrawal ${gone.origin} ${gone.id} ${gone.modified ?? ""}`,
      kind: "withdrawal",
      lane: gone.origin,
      at: new Date(arrived).toISOString(),
      arrived,
      id: gone.id,
      type: gone.id.split("--")[0] ?? "",
      name: "",
      value: "",
      where: "",
      marking: null,
      revoked: false,
      delay: null,
      hit: null,
      others: [],
    };
  }

  /** A withdrawn version leaves the screen: its rows lose name and value, on every lane. */
  forget(gone: LiveWithdrawal): void {
    this.names.delete(gone.id);
    const hidden = (row: LiveRow): LiveRow => (row.id === gone.id && row.kind === "object" ? { ...row, name: "", value: "" } : row);
    for (const lane of this.lanes.values()) lane.rows = lane.rows.map(hidden);
    this.fresh = this.fresh.map(hidden);
  }

  private remember(id: string, name: string, value: string): void {
    this.names.set(id, { name, value });
    if (this.names.size > NAMES_MAX) {
      const oldest = this.names.keys().next().value;
      if (oldest !== undefined) this.names.delete(oldest);
    }
  }
}

/** What hits have in common that are one row. */
function group(row: LiveRow): string {
  return `${row.lane} ${row.where} ${row.id} ${row.value}`;
}

/** At most `most` of the rows, evenly spread, the last one included. */
export function sample<T>(rows: T[], most: number): T[] {
  if (rows.length <= most) return [...rows];
  const step = rows.length / most;
  return Array.from({ length: most }, (_, index) => rows[Math.ceil((index + 1) * step) - 1]).filter((row) => row !== undefined);
}
