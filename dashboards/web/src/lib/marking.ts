// Markings as shown: labels, order, and the definitions that the publish form makes.
import type { Marking, Tlp } from "./wire.ts";

/** From least to most restrictive. */
export const TLPS: readonly Tlp[] = ["CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"];

/** The standard's TLP 2.0 definitions (OASIS common objects). */
export const TLP_IDS: Record<Tlp, string> = {
  CLEAR: "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
  GREEN: "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
  AMBER: "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
  "AMBER+STRICT": "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
  RED: "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
};

/** The project's extension for national handling (model/src/marking.rs). */
export const NATIONAL_HANDLING = "extension-definition--0f4c1d52-6a0e-5b3e-9d0f-2f5f0c5a7b41";

/** The most restrictive level among markings; null where none has a level. */
export function highest(markings: Iterable<Marking | null | undefined>): Tlp | null {
  let most = -1;
  for (const marking of markings) {
    if (marking?.tlp) most = Math.max(most, TLPS.indexOf(marking.tlp));
  }
  return TLPS[most] ?? null;
}

/** The whole marking in one line, for copies and tooltips; TLP labels are never translated. */
export function markingText(marking: Marking): string {
  const rel = marking.releasable_to.length ? [`REL TO ${marking.releasable_to.join(", ")}`] : [];
  return [marking.tlp ? `TLP:${marking.tlp}` : marking.text, ...marking.caveats, ...rel].join(" // ");
}
