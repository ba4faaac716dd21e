// The live stream: one EventSource for the session, whatever the screen. Rows reach the screen in flushes.
import { get, getPatiently, query } from "./client.ts";
import { type Lane, LiveBuffer } from "./live-buffer.ts";
import { session } from "./session.svelte.ts";
import type { Hit, HitsAnswer, LiveStatus, LiveWithdrawal, Row, SearchAnswer, SightingsAnswer } from "./wire.ts";

const FLUSH_MS = 250;
/** Arrivals are counted in spans of so many ms; so many spans are kept. */
export const RATE_MS = 5000;
const RATES_MAX = 60;
const RETRY_MS = [500, 1000, 2000, 5000];
/** Rows of each kind that are there when the screen opens. */
const FILL_ROWS = 100;

export type StreamState = "wait" | "open" | "lost";
export type PauseReason = "manual" | "hover" | "focus" | "scroll" | "selection" | "panel";

class Live {
  lanes = $state.raw<Record<string, Lane>>({});
  merged = $state.raw<Lane | null>(null);
  names = $state.raw<string[]>([]);
  /** Arrivals of each lane by span, oldest first. */
  rates = $state.raw<Record<string, number[]>>({});
  private counted: { at: number; totals: Record<string, number> } = { at: 0, totals: {} };
  status = $state.raw<LiveStatus | null>(null);
  stream = $state<StreamState>("wait");
  /** When the last event or status came (ms); the age of what is shown while the stream is lost. */
  heard = $state(0);
  last = $state(0);
  ended = $state("");
  merge = $state(false);
  pauses = $state.raw<ReadonlySet<PauseReason>>(new Set());
  /** `heard` and `last` as the next flush shows them: set with each event, a flood would have the screen look again for each. */
  private came = { heard: 0, last: 0 };
  private buffer = new LiveBuffer([], "");
  private source: EventSource | null = null;
  private cursor = "";
  private timer = 0;
  private retry = 0;
  private retries = 0;
  /** How far this clock is ahead of the centre's, ms; the smallest seen, for the network's share is never negative. */
  private skew: number | null = null;
  /** What changed last and when (ms), for the object page's notice. */
  changed = $state.raw<{ id: string; what: "version" | "sighting"; at: number } | null>(null);

  start(): void {
    const who = session.session;
    if (!who || this.source) return;
    // The United States' lane stands left in both countries: `us` sorts last.
    this.names = [who.centre, who.partner].filter((name) => name !== null).sort().reverse();
    this.buffer = new LiveBuffer(this.names, who.centre);
    this.skew = null;
    this.cursor = "";
    this.counted = { at: Date.now(), totals: {} };
    this.rates = Object.fromEntries(this.names.map((name) => [name, new Array<number>(RATES_MAX).fill(0)]));
    this.show();
    this.timer = window.setInterval(() => this.flush(), FLUSH_MS);
    this.open();
    void this.fill();
  }

  stop(): void {
    this.source?.close();
    this.source = null;
    clearInterval(this.timer);
    clearTimeout(this.retry);
    this.stream = "wait";
    this.lanes = {};
    this.merged = null;
    this.status = null;
    this.ended = "";
    this.came = { heard: 0, last: 0 };
    this.tell();
    this.pauses = new Set();
  }

  private open(): void {
    this.source?.close();
    const source = new EventSource(`/api/v1/live${query({ from: this.cursor })}`);
    this.source = source;
    source.onopen = () => {
      this.stream = "open";
      this.retries = 0;
      this.came.heard = Date.now();
      this.tell();
    };
    source.onerror = () => {
      this.stream = "lost";
      if (source.readyState === EventSource.CLOSED) this.reopen();
    };
    const on = (name: string, act: (data: never) => void): void => {
      source.addEventListener(name, (event: MessageEvent<string>) => {
        if (event.lastEventId) this.cursor = event.lastEventId;
        this.came.heard = Date.now();
        act(JSON.parse(event.data) as never);
      });
    };
    on("object", (row: Row) => this.arrive(row));
    on("sighting", (row: Row) => this.arrive(row));
    on("hit", (hit: Hit) => this.push(this.buffer.ofHit(hit, this.now(), true)));
    on("withdrawal", (gone: LiveWithdrawal) => {
      this.buffer.forget(gone);
      this.push(this.buffer.ofWithdrawal(gone, this.now()));
      this.changed = { id: gone.id, what: "version", at: Date.now() };
    });
    on("status", (status: LiveStatus) => {
      this.status = status;
      this.ended = "";
      const ahead = Date.now() - Date.parse(status.now);
      if (Number.isFinite(ahead)) this.skew = Math.min(this.skew ?? ahead, ahead);
    });
    on("end", (reason: unknown) => {
      this.ended = typeof reason === "string" ? reason : String((reason as { reason?: unknown } | null)?.reason ?? "");
    });
  }

  /** The browser gave up: see whether the session still stands, then resume from the cursor. */
  private reopen(): void {
    clearTimeout(this.retry);
    const wait = RETRY_MS[Math.min(this.retries, RETRY_MS.length - 1)] ?? 5000;
    this.retries += 1;
    this.retry = window.setTimeout(async () => {
      try {
        await get("/session");
        this.open();
      } catch (error) {
        if ((error as { code?: string }).code === "unauthenticated") session.end("ended");
        else this.reopen();
      }
    }, wait);
  }

  private now(): number {
    return Date.now() - (this.skew ?? 0);
  }

  private arrive(row: Row): void {
    this.push(this.buffer.ofRow(row, this.now(), true));
    this.changed = { id: row.sighting_of ?? row.id, what: row.sighting_of ? "sighting" : "version", at: Date.now() };
  }

  private push(row: ReturnType<LiveBuffer["ofHit"]>): void {
    this.came.last = Date.now();
    this.buffer.push(row);
  }

  /** What was there before the stream began. */
  private async fill(): Promise<void> {
    const size = query({ limit: FILL_ROWS });
    const [objects, sightings, hits] = await Promise.allSettled([
      getPatiently<SearchAnswer>(`/search${size}`),
      get<SightingsAnswer>(`/sightings${size}`),
      get<HitsAnswer>(`/hits${size}`),
    ]);
    const at = (text: string): number => Date.parse(text) || 0;
    const rows = [
      ...(objects.status === "fulfilled" ? objects.value.hits.map((row) => this.buffer.ofRow(row, at(row.added), false)) : []),
      ...(sightings.status === "fulfilled" ? sightings.value.sightings.map((row) => this.buffer.ofRow(row, at(row.added), false)) : []),
      ...(hits.status === "fulfilled" ? hits.value.hits.map((hit) => this.buffer.ofHit(hit, at(hit.received || hit.time), false)) : []),
    ];
    this.buffer.fill(rows);
    this.came.last = Math.max(this.came.last, ...rows.map((row) => row.arrived));
    this.tell();
    this.show();
  }

  private flush(): void {
    this.tell();
    if (this.buffer.flush(this.pauses.size > 0)) this.show();
    if (Date.now() - this.counted.at >= RATE_MS) this.beat();
  }

  private tell(): void {
    this.heard = this.came.heard;
    this.last = this.came.last;
  }

  /** Closes a span of the rates; they run on while the rows are paused. */
  private beat(): void {
    const totals = Object.fromEntries(this.names.map((name) => [name, this.buffer.snapshot(name).total]));
    this.rates = Object.fromEntries(
      this.names.map((name) => [name, [...(this.rates[name] ?? []), (totals[name] ?? 0) - (this.counted.totals[name] ?? 0)].slice(-RATES_MAX)]),
    );
    this.counted = { at: Date.now(), totals };
  }

  /** Shows what waits, once, whatever pauses. */
  release(): void {
    this.buffer.flush(false);
    this.show();
  }

  private show(): void {
    this.lanes = Object.fromEntries(this.names.map((name) => [name, this.buffer.snapshot(name)]));
    this.merged = this.merge ? this.buffer.merged() : null;
  }

  toggleMerge(): void {
    this.merge = !this.merge;
    this.show();
  }

  pause(reason: PauseReason, on: boolean): void {
    if (this.pauses.has(reason) === on) return;
    const pauses = new Set(this.pauses);
    if (on) pauses.add(reason);
    else pauses.delete(reason);
    this.pauses = pauses;
  }
}

export const live = new Live();
