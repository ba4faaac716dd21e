// Where in a JSON text each value stands, so that faults are shown in place and versions byte for byte.

export interface Span {
  /** First character and the one after the last, in UTF-16 units of the text. */
  start: number;
  end: number;
}

/** A text that is not JSON: where and why. */
export class JsonFault extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

const DEPTH_MAX = 64;
const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Spans of all values by JSON pointer (RFC 6901). Throws `JsonFault` where the text is not JSON. */
export function places(text: string): Map<string, Span> {
  const found = new Map<string, Span>();
  const reader = new Reader(text, found);
  reader.value("", 0);
  reader.space();
  if (reader.at < text.length) throw new JsonFault(reader.at, "something follows the value");
  return found;
}

class Reader {
  at = 0;

  constructor(
    private readonly text: string,
    private readonly found: Map<string, Span>,
  ) {}

  space(): void {
    SPACE.lastIndex = this.at;
    SPACE.exec(this.text);
    this.at = SPACE.lastIndex;
  }

  private take(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) throw new JsonFault(this.at, `expected ${what}`);
    this.at = pattern.lastIndex;
    return match[0];
  }

  private sign(): string {
    this.space();
    return this.text[this.at] ?? "";
  }

  value(pointer: string, depth: number): void {
    if (depth > DEPTH_MAX) throw new JsonFault(this.at, `deeper than ${DEPTH_MAX} levels`);
    const first = this.sign();
    const start = this.at;
    if (first === "{") this.members(pointer, depth);
    else if (first === "[") this.items(pointer, depth);
    else if (first === '"') this.take(STRING, "a string");
    else this.take(SCALAR, "a value");
    this.found.set(pointer, { start, end: this.at });
  }

  private members(pointer: string, depth: number): void {
    this.at += 1;
    if (this.sign() === "}") {
      this.at += 1;
      return;
    }
    for (;;) {
      this.space();
      const key = JSON.parse(this.take(STRING, "a member's name in quotes")) as string;
      if (this.sign() !== ":") throw new JsonFault(this.at, "expected `:`");
      this.at += 1;
      this.value(`${pointer}/${escapePointer(key)}`, depth + 1);
      if (this.ends("}")) return;
    }
  }

  private items(pointer: string, depth: number): void {
    this.at += 1;
    if (this.sign() === "]") {
      this.at += 1;
      return;
    }
    for (let index = 0; ; index += 1) {
      this.value(`${pointer}/${index}`, depth + 1);
      if (this.ends("]")) return;
    }
  }

  /** After a member or item: true at the closing sign, false after a comma. */
  private ends(close: string): boolean {
    const sign = this.sign();
    if (sign !== close && sign !== ",") throw new JsonFault(this.at, `expected \`,\` or \`${close}\``);
    this.at += 1;
    return sign === close;
  }
}

export function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The span of `pointer`, or of its nearest ancestor that the text has (a missing property points at its object). */
export function nearest(found: Map<string, Span>, pointer: string): Span | undefined {
  for (let path = pointer; ; path = path.slice(0, path.lastIndexOf("/"))) {
    const span = found.get(path);
    if (span || path === "") return span;
  }
}

/** Line (from 1) of a character. */
export function lineAt(text: string, at: number): number {
  let line = 1;
  for (let next = text.indexOf("\n"); next >= 0 && next < at; next = text.indexOf("\n", next + 1)) line += 1;
  return line;
}

/** Pointers of the objects in a pasted text: a bundle's or envelope's, an array's, or the whole. By id. */
export function objectPointers(value: unknown): Map<string, string> {
  const found = new Map<string, string>();
  const list = Array.isArray(value) ? value : (value as { objects?: unknown } | null)?.objects;
  const prefix = Array.isArray(value) ? "" : "/objects";
  if (Array.isArray(list)) {
    list.forEach((item: unknown, index) => {
      const id = (item as { id?: unknown } | null)?.id;
      if (typeof id === "string" && !found.has(id)) found.set(id, `${prefix}/${index}`);
    });
  } else {
    const id = (value as { id?: unknown } | null)?.id;
    if (typeof id === "string") found.set(id, "");
  }
  return found;
}
