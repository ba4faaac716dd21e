// The REST interface. Every failure is a `Failure` with a code that both languages have words for.

export class Failure extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
    readonly requestId: string,
  ) {
    super(detail || code);
  }
}

const BASE = "/api/v1";
let onUnauthenticated: () => void = () => {};

/** What to do when the session is over, wherever that is noticed. */
export function whenUnauthenticated(act: () => void): void {
  onUnauthenticated = act;
}

async function send(method: string, path: string, body?: string, signal?: AbortSignal): Promise<string> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-Bridgewatch"] = "1";
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(BASE + path, { method, headers, body, signal, credentials: "same-origin", cache: "no-store", redirect: "error" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure("network", "", "");
  }
  const text = await answer.text();
  if (answer.ok) return text;
  const failure = read(text, answer.status);
  if (failure.code === "unauthenticated" && path !== "/session") onUnauthenticated();
  throw failure;
}

function read(text: string, status: number): Failure {
  try {
    const body = JSON.parse(text) as { code?: unknown; detail?: unknown; title?: unknown; request_id?: unknown };
    if (typeof body.code === "string") {
      return new Failure(body.code, String(body.detail ?? body.title ?? ""), String(body.request_id ?? ""));
    }
  } catch {
    // A proxy's page, not the centre's answer.
  }
  return new Failure(status === 401 ? "unauthenticated" : "unavailable", `HTTP ${status}`, "");
}

/** GET as parsed JSON. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return JSON.parse(await send("GET", path, undefined, signal)) as T;
}

/** Waits before another try, ms. */
const PATIENCE_MS = [300, 600, 1200];

/** GET as parsed JSON; a centre that says it is not ready yet (an index that catches up with the log) is asked again. */
export async function getPatiently<T>(path: string, signal?: AbortSignal): Promise<T> {
  for (const wait of PATIENCE_MS) {
    try {
      return await get<T>(path, signal);
    } catch (error) {
      if (!(error instanceof Failure && error.code === "unavailable")) throw error;
      await new Promise((done) => setTimeout(done, wait));
    }
  }
  return get<T>(path, signal);
}

/** GET as text: for what must be shown byte for byte. */
export function getText(path: string, signal?: AbortSignal): Promise<string> {
  return send("GET", path, undefined, signal);
}

/** POST of a JSON text as it is. */
export async function post<T>(path: string, body: string): Promise<T> {
  return JSON.parse(await send("POST", path, body)) as T;
}

export async function remove(path: string): Promise<void> {
  await send("DELETE", path);
}

/** `?a=b` of those that have a value. */
export function query(values: Record<string, string | number | null | undefined>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text ? `?${text}` : "";
}
