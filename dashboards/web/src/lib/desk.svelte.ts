// The publish screen's draft: kept in memory through a lock and a change of screens, gone with its author.
import { emptyDraft, type Draft } from "./draft.ts";
import { session } from "./session.svelte.ts";
import type { Outcome } from "./wire.ts";

class Desk {
  draft = $state<Draft>(emptyDraft());
  pasted = $state("");
  outcome = $state.raw<{ outcome: Outcome; text: string; kept: boolean } | null>(null);
  private ids: string[] = [];

  /** Ids of one draft stay the same until it is published. */
  uuids(): () => string {
    let next = 0;
    return () => {
      const id = this.ids[next] ?? crypto.randomUUID();
      this.ids[next] = id;
      next += 1;
      return id;
    };
  }

  /** What was published may not go out again under the same ids with other words. */
  freshIds(): void {
    this.ids = [];
  }

  clear(): void {
    this.draft = emptyDraft();
    this.pasted = "";
    this.outcome = null;
    this.freshIds();
  }
}

export const desk = new Desk();
session.whenOther(() => desk.clear());
