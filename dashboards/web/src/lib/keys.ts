// Single keys and `g`-sequences. Off in fields and dialogs; may be turned off as a whole (WCAG 2.1.4).
import { preference, remember } from "./preference.ts";

export type Bindings = Record<string, (event: KeyboardEvent) => void>;

/** The newest binding of a key counts. */
const stack: Bindings[] = [];
let enabled = preference("keys") !== "off";
let afterG = 0;
/** How long `g` waits for its letter, ms. */
const SEQUENCE_MS = 1500;

export function singleKeys(): boolean {
  return enabled;
}

export function setSingleKeys(on: boolean): void {
  enabled = on;
  remember("keys", on ? "on" : "off");
}

/** Binds keys (`j`, `Enter`, `g s`) until the returned function is called. */
export function bind(bindings: Bindings): () => void {
  stack.push(bindings);
  return () => {
    const at = stack.indexOf(bindings);
    if (at >= 0) stack.splice(at, 1);
  };
}

function inField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

/** Enter and Space belong to a control that has the focus. */
function onControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("a, button, summary, [role=slider]") !== null;
}

export function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey || event.metaKey) return;
  const controlK = event.ctrlKey && event.key.toLowerCase() === "k";
  if ((event.ctrlKey && !controlK) || (document.querySelector("dialog[open]") && !controlK)) return;
  if (!controlK && inField(event.target)) return;
  if (event.key === "Enter" && onControl(event.target)) return;
  const single = event.key.length === 1 && !controlK;
  if (single && !enabled) return;
  const sequence = single && Date.now() - afterG < SEQUENCE_MS;
  afterG = 0;
  if (single && !sequence && event.key === "g") {
    afterG = Date.now();
    return;
  }
  const name = controlK ? "Ctrl+K" : sequence ? `g ${event.key}` : event.key;
  for (const bindings of [...stack].reverse()) {
    const act = bindings[name];
    if (act) {
      event.preventDefault();
      act(event);
      return;
    }
  }
}
