// Faults beside the text they are in: which object of a bundle, which line, which characters.
import { lineAt, nearest, objectPointers, places, type Span } from "./json-place.ts";
import type { Fault } from "./wire.ts";

export interface Placed {
  fault: Fault;
  /** Line from 1; 0 where the text is not JSON or does not hold the object. */
  line: number;
  span: Span | null;
  /** The text around it: before, the place itself, after. */
  before: string;
  inside: string;
  after: string;
}

/** Characters shown on each side of a place, and of the place itself. */
const AROUND = 160;
const INSIDE = 600;

/** Finds the places of faults; those without a place come out too, with line 0. */
export function placed(text: string, faults: readonly Fault[]): Placed[] {
  let spans: Map<string, Span>;
  let objects: Map<string, string>;
  try {
    spans = places(text);
    objects = objectPointers(JSON.parse(text));
  } catch {
    return faults.map((fault) => ({ fault, line: 0, span: null, before: "", inside: "", after: "" }));
  }
  return faults.map((fault) => {
    const only = objects.size === 1 ? [...objects.values()][0] : undefined;
    const base = (fault.object ? objects.get(fault.object) : undefined) ?? only ?? "";
    const span = nearest(spans, base + fault.pointer) ?? null;
    if (!span) return { fault, line: 0, span: null, before: "", inside: "", after: "" };
    const inside = text.slice(span.start, span.end);
    return {
      fault,
      line: lineAt(text, span.start),
      span,
      before: lead(text.slice(Math.max(0, span.start - AROUND), span.start)),
      inside: inside.length > INSIDE ? `${inside.slice(0, INSIDE)}…` : inside,
      after: trail(text.slice(span.end, span.end + AROUND)),
    };
  });
}

/** The last two lines of what stands before. */
function lead(text: string): string {
  return text.split("\n").slice(-2).join("\n");
}

/** The rest of the line, and one more. */
function trail(text: string): string {
  return text.split("\n").slice(0, 2).join("\n");
}
