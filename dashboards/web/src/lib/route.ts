// Screens and their addresses. A link is a state: whatever a reader could want to come back to is in path and query.

/** First parts of the paths; src/lib.rs of the crate has the same list, and `SIGN_IN`. */
export const SCREENS = ["live", "search", "objects", "publish", "border", "quarantine", "sensors"] as const;
/** Where links with a token lead (`/sign-in#token=…`): no screen of its own, the first screen follows. */
export const SIGN_IN = "sign-in";
export type Screen = (typeof SCREENS)[number];

export interface Route {
  screen: Screen;
  /** The rest of the path: an object's id on its page. */
  id: string;
  query: URLSearchParams;
}

/** Reads an address; what is unknown is the live screen. */
export function parseRoute(path: string, search: string): Route {
  const [first = "", ...rest] = path.replace(/^\/+/, "").split("/");
  const screen = SCREENS.find((known) => known === first) ?? "live";
  let id = "";
  try {
    id = decodeURIComponent(rest.join("/"));
  } catch {
    id = "";
  }
  return { screen, id, query: new URLSearchParams(search) };
}

/** Is it the address of a screen, and not of the way in? */
export function isScreen(path: string): boolean {
  return SCREENS.some((screen) => path === `/${screen}` || path.startsWith(`/${screen}/`));
}

/** The address of a screen; empty parameters are left out, so that equal states have equal addresses. */
export function address(screen: Screen, id = "", query: Record<string, string | undefined> = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const search = new URLSearchParams(given).toString();
  return `/${screen}${id ? `/${encodeURIComponent(id)}` : ""}${search ? `?${search}` : ""}`;
}
