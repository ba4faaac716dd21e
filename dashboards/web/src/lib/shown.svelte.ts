// What the page as a whole must say: the highest marking on it, and short notes to the reader.
import { highest, markingText } from "./marking.ts";
import type { Marking, Tlp } from "./wire.ts";

class Shown {
  private parts = $state.raw<ReadonlyMap<symbol, Tlp | null>>(new Map());
  tlp = $derived(highest([...this.parts.values()].map((tlp) => ({ tlp }) as Marking)));
  note = $state("");
  private clear = 0;

  /** One part of the page says what it shows; the returned function takes it back. */
  report(part: symbol, markings: Iterable<Marking | null | undefined>): void {
    const tlp = highest(markings);
    if (this.parts.get(part) === tlp) return;
    this.parts = new Map(this.parts).set(part, tlp);
  }

  withdraw(part: symbol): void {
    if (!this.parts.has(part)) return;
    const parts = new Map(this.parts);
    parts.delete(part);
    this.parts = parts;
  }

  /** A message for the status region, gone after a while. */
  say(text: string): void {
    this.note = text;
    clearTimeout(this.clear);
    this.clear = window.setTimeout(() => (this.note = ""), 6000);
  }

  async copy(text: string, said: string, failed: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.say(said);
    } catch {
      this.say(failed);
    }
  }
}

export const shown = new Shown();

/** A line for the clipboard: the marking comes first, always. */
export function copyLine(marking: Marking | null, parts: (string | null | undefined)[]): string {
  return [marking ? markingText(marking) : "", ...parts].filter(Boolean).join("\t");
}
