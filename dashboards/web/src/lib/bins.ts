// Hours into bars: gaps are zeros, long ranges become wider bars so that a chart has at most `BARS_MAX`.

export const HOUR_MS = 3_600_000;
export const BARS_MAX = 168;

export interface Bins {
  /** Start of the first bar (ms) and width of one (ms). */
  start: number;
  width: number;
  /** One list of counts per strip. */
  counts: number[][];
  most: number;
}

/** Bars of strips over their common range, at least a day wide. Null without a readable hour. */
export function bins(strips: { hour: string; count: number }[][]): Bins | null {
  const times = strips.flat().map((bar) => Date.parse(bar.hour)).filter((time) => !Number.isNaN(time));
  if (times.length === 0) return null;
  const least = times.reduce((a, b) => Math.min(a, b));
  const end = times.reduce((a, b) => Math.max(a, b)) + HOUR_MS;
  const hours = Math.max(24, Math.ceil((end - least) / HOUR_MS));
  const width = Math.ceil(hours / BARS_MAX) * HOUR_MS;
  const length = Math.ceil((hours * HOUR_MS) / width);
  const start = end - length * width;
  const counts = strips.map((strip) => {
    const bars = new Array<number>(length).fill(0);
    for (const { hour, count } of strip) {
      const at = Math.floor((Date.parse(hour) - start) / width);
      if (at >= 0 && at < length) bars[at] = (bars[at] ?? 0) + count;
    }
    return bars;
  });
  return { start, width, counts, most: Math.max(1, ...counts.flat()) };
}
