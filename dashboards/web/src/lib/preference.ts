// What is remembered in the browser: language, theme, single keys on or off. Never content.

export type Preference = "language" | "theme" | "keys";

export function preference(name: Preference): string | null {
  try {
    return localStorage.getItem(`bridgewatch.${name}`);
  } catch {
    return null;
  }
}

export function remember(name: Preference, value: string): void {
  try {
    localStorage.setItem(`bridgewatch.${name}`, value);
  } catch {
    // A browser that keeps nothing still shows everything.
  }
}
