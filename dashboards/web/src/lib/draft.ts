// The publish form as STIX: one indicator, and the marking definition that says its national handling.
import { NATIONAL_HANDLING, TLP_IDS } from "./marking.ts";
import { readUtc } from "./query.ts";
import { classify, refang } from "./value.ts";
import type { Tlp } from "./wire.ts";

export type National = "none" | "noforn" | "ceo" | "rel";

export interface Draft {
  value: string;
  name: string;
  description: string;
  kinds: string[];
  validUntil: string;
  confidence: string;
  tlp: Tlp | "none" | "";
  recipients: string;
  national: National;
  countries: string[];
}

export function emptyDraft(): Draft {
  return {
    value: "", name: "", description: "", kinds: ["malicious-activity"], validUntil: "", confidence: "", tlp: "",
    recipients: "", national: "none", countries: [],
  };
}

/** Countries that a releasable-to list offers: the two, and the other three of the Five Eyes. */
export const COUNTRIES = ["USA", "CAN", "GBR", "AUS", "NZL"] as const;
const PRINCIPAL = /^[a-z0-9._-]{1,64}@[a-z0-9]{2,16}$/;

export type DraftField = "value" | "name" | "validUntil" | "confidence" | "tlp" | "recipients" | "countries";
export type DraftFault = "required" | "value_unknown" | "date_wrong" | "confidence_wrong" | "choose_tlp" | "recipients_wrong" | "countries_needed";

/** What the form itself can say is wrong, by field; the centre says the rest. */
export function faultsOf(draft: Draft): Partial<Record<DraftField, DraftFault>> {
  const faults: Partial<Record<DraftField, DraftFault>> = {};
  if (!draft.value.trim()) faults.value = "required";
  else if (patternOf(draft.value) === null) faults.value = "value_unknown";
  if (!draft.name.trim()) faults.name = "required";
  if (draft.validUntil.trim() && readUtc(draft.validUntil) === null) faults.validUntil = "date_wrong";
  if (draft.confidence.trim() && !/^(?:100|\d{1,2})$/.test(draft.confidence.trim())) faults.confidence = "confidence_wrong";
  if (draft.tlp === "") faults.tlp = "choose_tlp";
  if (draft.tlp === "RED" && recipientsOf(draft).some((name) => !PRINCIPAL.test(name))) faults.recipients = "recipients_wrong";
  if (draft.national === "rel" && draft.countries.length === 0) faults.countries = "countries_needed";
  return faults;
}

export function recipientsOf(draft: Draft): string[] {
  return draft.recipients.split(/[\s,;]+/).filter(Boolean);
}

export function wrongRecipient(draft: Draft): string {
  return recipientsOf(draft).find((name) => !PRINCIPAL.test(name)) ?? "";
}

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;

/** The STIX pattern that a value means; a pattern is itself; null for what is neither. */
export function patternOf(text: string): string | null {
  const trimmed = text.trim();
  if (trimmed.startsWith("[") || trimmed.startsWith("(")) return trimmed;
  const value = refang(trimmed);
  switch (classify(value)) {
    case "ipv4":
      return `[ipv4-addr:value = ${quoted(value)}]`;
    case "ipv6":
      return `[ipv6-addr:value = ${quoted(value)}]`;
    case "cidr": {
      const type = value.includes(":") ? "ipv6-addr" : "ipv4-addr";
      return `[${type}:value ISSUBSET ${quoted(value)}]`;
    }
    case "domain": {
      const name = value.toLowerCase().replace(/\.$/, "");
      return `[domain-name:value = ${quoted(name)} OR domain-name:value LIKE ${quoted(`%.${name}`)}]`;
    }
    case "url":
      return `[url:value = ${quoted(value)}]`;
    case "email":
      return `[email-addr:value = ${quoted(value)}]`;
    case "md5":
      return `[file:hashes.MD5 = ${quoted(value.toLowerCase())}]`;
    case "sha1":
      return `[file:hashes.'SHA-1' = ${quoted(value.toLowerCase())}]`;
    case "sha256":
      return `[file:hashes.'SHA-256' = ${quoted(value.toLowerCase())}]`;
    default:
      return null;
  }
}

export interface Identity {
  centre: string;
  /** Makes a version-4 UUID; handed in so that tests are repeatable. */
  uuid: () => string;
  now: number;
}

/** The bundle that the form means. Ids are made once per draft by the caller's `uuid`. */
export function bundleOf(draft: Draft, identity: Identity): Record<string, unknown> {
  const now = new Date(identity.now).toISOString();
  const definition = nationalDefinition(draft, identity, now);
  const refs = [
    ...(draft.tlp === "" || draft.tlp === "none" ? [] : [TLP_IDS[draft.tlp]]),
    ...(definition ? [definition.id as string] : []),
  ];
  const until = readUtc(draft.validUntil);
  const indicator: Record<string, unknown> = {
    type: "indicator",
    spec_version: "2.1",
    id: `indicator--${identity.uuid()}`,
    created: now,
    modified: now,
    name: draft.name.trim(),
    ...(draft.description.trim() ? { description: draft.description.trim() } : {}),
    ...(draft.kinds.length ? { indicator_types: draft.kinds } : {}),
    pattern: patternOf(draft.value) ?? draft.value,
    pattern_type: "stix",
    valid_from: now,
    ...(until !== null ? { valid_until: new Date(until).toISOString() } : {}),
    ...(draft.confidence.trim() ? { confidence: Number(draft.confidence) } : {}),
    ...(refs.length ? { object_marking_refs: refs } : {}),
  };
  return { type: "bundle", id: `bundle--${identity.uuid()}`, objects: [...(definition ? [definition] : []), indicator] };
}

/** The marking definition of a national handling, or of named recipients; null where the draft needs none. */
function nationalDefinition(draft: Draft, identity: Identity, now: string): Record<string, unknown> | null {
  const recipients = draft.tlp === "RED" ? recipientsOf(draft) : [];
  const body: Record<string, unknown> = { extension_type: "property-extension" };
  if (draft.national === "noforn") Object.assign(body, { country: "USA", caveats: ["NOFORN"] });
  if (draft.national === "ceo") Object.assign(body, { country: "CAN", caveats: ["CANADIAN EYES ONLY"] });
  if (draft.national === "rel") {
    Object.assign(body, { country: identity.centre === "us" ? "USA" : "CAN", releasable_to: draft.countries });
  }
  if (recipients.length) body.recipients = recipients;
  if (Object.keys(body).length === 1) return null;
  return {
    type: "marking-definition",
    spec_version: "2.1",
    id: `marking-definition--${identity.uuid()}`,
    created: now,
    // Whoever may read what cites it must be able to read the definition, or the object is withheld; one of RED objects names
    // nobody but its recipients, and RED itself would keep it from them.
    ...(draft.tlp === "" || draft.tlp === "none" ? {} : { object_marking_refs: [TLP_IDS[draft.tlp === "RED" ? "AMBER+STRICT" : draft.tlp]] }),
    extensions: { [NATIONAL_HANDLING]: body },
  };
}
