import "./app.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { session } from "./lib/session.svelte.ts";
import { theme, useTheme } from "./lib/theme.ts";
import { firstLanguage, words } from "./lib/words.svelte.ts";

/** A sign-in link carries its token in the fragment, which no server sees; it leaves the address and the history at once. */
function tokenOfFragment(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  return token;
}

const token = tokenOfFragment();
useTheme(theme());
await words.use(firstLanguage());
mount(App, { target: document.getElementById("app") ?? document.body });
void session.start(token);
// A sign-in link opened in a tab that already shows the console changes only the fragment.
addEventListener("hashchange", () => {
  const next = tokenOfFragment();
  if (next) void session.signIn(next);
});
