// Who has a use for which screen (docs/rest-api.md). The centre decides; this only spares people screens that would refuse them.
import { SCREENS, type Screen } from "./route.ts";

const DESK = ["analyst", "publisher", "officer"];
const READERS = [...DESK, "operator", "partner"];
const WRITERS = ["publisher", "operator", "partner"];

const ROLES: Record<Screen, readonly string[]> = {
  live: DESK,
  search: READERS,
  objects: READERS,
  publish: [...new Set([...DESK, ...WRITERS])],
  border: DESK,
  quarantine: [...new Set(["officer", ...WRITERS])],
  sensors: DESK,
};

function any(roles: readonly string[], wanted: readonly string[]): boolean {
  return wanted.some((role) => roles.includes(role));
}

/** May somebody with these roles use the screen? */
export function mayUse(screen: Screen, roles: readonly string[]): boolean {
  return any(roles, ROLES[screen]);
}

/** The screens of the header, in its order: an object's page has no entry of its own. */
export function screensOf(roles: readonly string[]): Screen[] {
  return SCREENS.filter((screen) => screen !== "objects" && mayUse(screen, roles));
}

export function mayPublish(roles: readonly string[]): boolean {
  return any(roles, WRITERS);
}

export function mayValidate(roles: readonly string[]): boolean {
  return any(roles, DESK);
}
