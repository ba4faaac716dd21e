// The reader's language. It belongs to the reader, not to the link; it is the only thing besides theme and keys that is remembered.
import { en } from "../i18n/en.ts";
import { type CountKey, fill, form, type Key, type Messages, type Parameters, type TextKey } from "./message.ts";
import { decimal } from "./format.ts";
import { preference, remember } from "./preference.ts";

export type Language = "en" | "fr";

class Words {
  language = $state<Language>("en");
  messages = $state.raw<Messages>(en);
  /** Numbers follow the centre's country in English. */
  country = $state("CAN");
  locale = $derived(this.language === "fr" ? "fr-CA" : this.country === "USA" ? "en-US" : "en-CA");

  async use(language: Language): Promise<void> {
    this.messages = language === "fr" ? (await import("../i18n/fr.ts")).fr : en;
    this.language = language;
    remember("language", language);
    document.documentElement.lang = language === "fr" ? "fr-CA" : "en-CA";
  }
}

export const words = new Words();

/** The language to begin with: remembered, else the browser's. */
export function firstLanguage(): Language {
  const wanted = preference("language") ?? navigator.language;
  return wanted.startsWith("fr") ? "fr" : "en";
}

/** A text in the reader's language. */
export function t(key: TextKey, parameters?: Parameters): string {
  return fill(words.messages[key], parameters);
}

/** A text whose form depends on `n`, which is written as the locale writes numbers. */
export function count(key: CountKey, n: number, parameters: Parameters = {}): string {
  return fill(form(words.messages[key], n, words.locale), { ...parameters, n: decimal(n, words.locale) });
}

/** The text of a key made at run time (an error code, a reason), or the code itself where there is none. */
export function known(prefix: string, code: string): string {
  const key = `${prefix}.${code}`;
  const text = Object.hasOwn(words.messages, key) ? words.messages[key as Key] : undefined;
  return typeof text === "string" ? text : code.replaceAll("_", " ");
}

export function numeral(value: number, digits = 0): string {
  return decimal(value, words.locale, digits);
}

/** The name of a centre's country, or its code. */
export function country(code: string): string {
  return known("country", code) === code ? code.toUpperCase() : known("country", code);
}
