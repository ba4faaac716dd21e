// One request's state. What was shown stays until the new answer is there; an older request is aborted.
import { Failure } from "./client.ts";

export class Resource<T> {
  value = $state.raw<T | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** Since when it loads (ms), else 0. */
  since = $state(0);
  private abort: AbortController | null = null;

  async load(ask: (signal: AbortSignal) => Promise<T>): Promise<void> {
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.since = Date.now();
    try {
      const value = await ask(abort.signal);
      if (this.abort !== abort) return;
      this.value = value;
      this.failure = null;
    } catch (error) {
      if (this.abort !== abort || abort.signal.aborted) return;
      this.failure = error instanceof Failure ? error : new Failure("internal", String(error), "");
    }
    this.since = 0;
  }

  cancel(): void {
    this.abort?.abort();
    this.abort = null;
    this.since = 0;
  }

  clear(): void {
    this.cancel();
    this.value = null;
    this.failure = null;
  }
}
