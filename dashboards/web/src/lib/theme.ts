// Light, dark, or as the system says.
import { preference, remember } from "./preference.ts";

export type Theme = "auto" | "light" | "dark";

export function theme(): Theme {
  const kept = preference("theme");
  return kept === "light" || kept === "dark" ? kept : "auto";
}

export function useTheme(wanted: Theme): void {
  remember("theme", wanted);
  if (wanted === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = wanted;
}
