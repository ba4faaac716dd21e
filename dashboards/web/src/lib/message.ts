// Messages and their forms. French counts 0 as one and has a form of its own for millions, so the rules are Intl's, not `n === 1`.
import type { en } from "../i18n/en.ts";

export interface Forms {
  one: string;
  many?: string;
  other: string;
}

export type Key = keyof typeof en;
/** What every language must have: the same keys, texts where English has texts, forms where it has forms. */
export type Messages = { [K in Key]: (typeof en)[K] extends string ? string : Forms };
export type TextKey = { [K in Key]: (typeof en)[K] extends string ? K : never }[Key];
export type CountKey = Exclude<Key, TextKey>;
export type Parameters = Record<string, string | number>;

/** Puts the parameters in; a place without a parameter stays visible. */
export function fill(text: string, parameters: Parameters = {}): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => (name in parameters ? String(parameters[name]) : place));
}

/** The form for a number in a language. */
export function form(forms: Forms, n: number, language: string): string {
  const rule = new Intl.PluralRules(language).select(n);
  if (rule === "one") return forms.one;
  return rule === "many" ? (forms.many ?? forms.other) : forms.other;
}
