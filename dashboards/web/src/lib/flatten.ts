// A nested record as `a.b.c` and text, for tables.

/** Fields of one record that are shown. */
const FIELDS_MAX = 500;

export function flatten(value: unknown): [string, string][] {
  const found: [string, string][] = [];
  const walk = (part: unknown, path: string, depth: number): void => {
    if (found.length >= FIELDS_MAX) return;
    if (part === null || typeof part !== "object" || depth > 16) {
      if (part !== undefined && part !== null) found.push([path, typeof part === "string" ? part : JSON.stringify(part)]);
    } else if (Array.isArray(part) && part.every((item) => item === null || typeof item !== "object")) {
      found.push([path, part.map(String).join(", ")]);
    } else {
      for (const [key, item] of Object.entries(part)) walk(item, path ? `${path}.${key}` : key, depth + 1);
    }
  };
  walk(value, "", 0);
  return found;
}
