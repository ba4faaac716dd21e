// The shapes of docs/rest-api.md.

export type Tlp = "CLEAR" | "GREEN" | "AMBER" | "AMBER+STRICT" | "RED";

export interface Banner {
  text: string;
  colour: string;
  ink: string;
}

export interface Centre {
  centre: string;
  name: string;
  country: string;
  banner: Banner;
  exercise: boolean;
}

export interface Session {
  principal: string;
  organisation: string;
  roles: string[];
  centre: string;
  /** None at a centre without a partner. */
  partner: string | null;
  idle_s: number;
  banner: Banner;
}

export interface Marking {
  tlp: Tlp | null;
  text: string;
  caveats: string[];
  /** Empty where it is not restricted. */
  releasable_to: string[];
  statements: string[];
}

export interface Row {
  id: string;
  type: string;
  origin: string;
  name: string | null;
  value: string | null;
  marking: Marking;
  created: string | null;
  modified: string | null;
  added: string;
  revoked: boolean;
  count: number | null;
  sighting_of: string | null;
  first_seen: string | null;
  last_seen: string | null;
}

export interface Hit {
  id: string;
  indicator: string;
  indicator_name: string | null;
  time: string;
  received: string;
  sensor: string;
  site: string | null;
  field: string;
  value: string;
  marking: Marking;
  observation: unknown;
}

export interface Page {
  more: boolean;
  cursor?: string | null;
}

export interface SearchAnswer extends Page {
  hits: Row[];
  total: number;
  facets: Record<string, Record<string, number>>;
  histogram: { hour: string; count: number }[];
}

export interface HitsAnswer extends Page {
  hits: Hit[];
}

export interface SightingsAnswer extends Page {
  sightings: Row[];
}

export interface Version {
  modified: string | null;
  added: string;
  object: Record<string, unknown>;
}

export interface Statement {
  origin: string;
  marking: Marking;
  versions: Version[];
}

export interface Relation {
  property: string;
  direction: "out" | "in";
  id: string;
  type: string;
  name: string | null;
  marking: Marking | null;
}

export type MatchingState = "matched" | "not_matched_here" | "not_an_indicator" | "expired" | "revoked";

export interface StixPage {
  id: string;
  type: string;
  statements: Statement[];
  relations: Relation[];
  sightings: Row[];
  hours: { hour: string; origin: string; count: number }[];
  hits: Hit[];
  matching: { state: MatchingState; reason?: string | null };
}

export interface Fault {
  object?: string | null;
  pointer: string;
  severity: "error" | "warning";
  code: string;
  section: string;
  message: string;
}

export interface Outcome {
  accepted: { id: string; version: string | null }[];
  unchanged: { id: string; version: string | null }[];
  quarantined: { id: string | null; faults: Fault[] }[];
  refused: { id: string | null; faults: Fault[] }[];
}

export interface Quarantined {
  id: string;
  received: string;
  submitter: string | null;
  faults: Fault[];
  /** The text as it came, cut where it is very long. */
  object: string;
}

export interface Latency {
  p50: number | null;
  p99: number | null;
  n: number;
}

export interface Border {
  partner: string | null;
  link: {
    state: "up" | "down" | "halted";
    reason?: string | null;
    since: string | null;
    sent: number;
    received: number;
    queue: number;
  };
  sent: { objects: number; withdrawn: number };
  received: { objects: number; withdrawn: number };
  withheld: Record<string, number> | null;
  latency_ms: Latency;
  recent: Crossing[];
}

export interface Crossing {
  time: string;
  direction: "sent" | "received";
  kind: "release" | "withdrawal";
  id: string;
  type: string;
  name: string | null;
  marking: Marking | null;
  rule?: string | null;
}

export interface Sensor {
  name: string;
  site: string | null;
  last_seen: string | null;
  observations: number;
  hits: number;
  lag_ms: number | null;
  rules: number;
}

export interface LiveStatus {
  now: string;
  link: { state: "up" | "down" | "halted" };
  observations: number;
  hits: number;
  latency_ms: Latency;
}

export interface LiveWithdrawal {
  id: string;
  modified: string | null;
  origin: string;
}
