// Who is signed in, and when the console locks. Streams are no activity; keys and clicks are.
import { get, post, remove, whenUnauthenticated, Failure } from "./client.ts";
import type { Centre, Session } from "./wire.ts";
import { words } from "./words.svelte.ts";

/** Warning before the lock, s. */
const WARN_S = 120;
/** The server's own idle clock is told of activity at most this often, s. */
const TOUCH_S = 60;
const IDLE_S_DEFAULT = 900;

export type Why = "" | "locked" | "ended" | "out" | "wrong";

class SessionState {
  centre = $state.raw<Centre | null>(null);
  session = $state.raw<Session | null>(null);
  /** False until it is known whether a session exists. */
  ready = $state(false);
  why = $state<Why>("");
  failure = $state.raw<Failure | null>(null);
  /** Seconds until the lock, while warning; else null. */
  warning = $state<number | null>(null);
  private active = Date.now();
  private touched = Date.now();
  /** Whose drafts are in memory. */
  private owner = "";
  private onOther: (() => void)[] = [];

  /** Runs when another person than the last one signs in: what the last one left must go. */
  whenOther(act: () => void): void {
    this.onOther.push(act);
  }

  async start(token: string | null): Promise<void> {
    whenUnauthenticated(() => this.end("ended"));
    try {
      this.centre = await get<Centre>("/centre");
      words.country = this.centre.country;
      if (token) await this.signIn(token);
      else this.enter(await get<Session>("/session"));
    } catch (error) {
      if (error instanceof Failure && error.code !== "unauthenticated") this.failure = error;
    }
    this.ready = true;
  }

  /** Trades a token for the session cookie. */
  async signIn(token: string): Promise<void> {
    this.failure = null;
    try {
      this.enter(await post<Session>("/session", JSON.stringify({ token: token.trim() })));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (["unauthenticated", "forbidden", "bad_request", "unprocessable"].includes(error.code)) this.why = "wrong";
      else this.failure = error;
    }
  }

  private enter(session: Session): void {
    if (this.owner && this.owner !== session.principal) for (const act of this.onOther) act();
    this.owner = session.principal;
    this.session = session;
    this.why = "";
    this.activity();
  }

  async signOut(): Promise<void> {
    for (const act of this.onOther) act();
    this.owner = "";
    await this.leave("out");
  }

  private async leave(why: Why): Promise<void> {
    this.end(why);
    try {
      await remove("/session");
    } catch {
      // It is over here; the server ends it by its own clock.
    }
  }

  end(why: Why): void {
    if (!this.session) return;
    this.session = null;
    this.warning = null;
    this.why = why;
  }

  get idleS(): number {
    return this.session?.idle_s ?? IDLE_S_DEFAULT;
  }

  has(role: string): boolean {
    return this.session?.roles.includes(role) ?? false;
  }

  activity(): void {
    this.active = Date.now();
    this.warning = null;
  }

  /** Called once a second. */
  tick(now: number): void {
    if (!this.session) return;
    const left = this.idleS - (now - this.active) / 1000;
    if (left <= 0) {
      lastIdleMinutes.value = Math.round(this.idleS / 60);
      void this.leave("locked");
      return;
    }
    this.warning = left <= WARN_S ? Math.ceil(left) : null;
    if (this.active > this.touched && now - this.touched > TOUCH_S * 1000) {
      this.touched = now;
      get<Session>("/session").catch(() => {});
    }
  }
}

/** Minutes of the idle limit that locked the console, for the words on the sign-in page. */
export const lastIdleMinutes = { value: 15 };
export const session = new SessionState();
