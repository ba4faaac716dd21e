// The console's own router: the address bar is the state. Links are plain `<a href>`; one listener keeps them in the page.
import { parseRoute, type Route } from "./route.ts";

class Router {
  current = $state.raw<Route>(parseRoute(location.pathname, location.search));
  href = $state(location.pathname + location.search);

  private read(): void {
    this.current = parseRoute(location.pathname, location.search);
    this.href = location.pathname + location.search;
  }

  /** Goes to an address of the console; `replace` for states that Back should skip. */
  go(href: string, replace = false): void {
    if (href === this.href) return;
    history[replace ? "replaceState" : "pushState"](null, "", href);
    this.read();
  }

  /** Sets or removes parameters of this screen's address. */
  set(values: Record<string, string | null>, replace = false): void {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(values)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const text = query.toString();
    this.go(location.pathname + (text ? `?${text}` : ""), replace);
  }

  listen(): () => void {
    const back = (): void => this.read();
    const click = (event: MouseEvent): void => {
      if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      if (!link || link.target || link.origin !== location.origin || !link.pathname.startsWith("/") || link.hasAttribute("download")) return;
      if (link.getAttribute("href")?.startsWith("#")) return;
      event.preventDefault();
      this.go(link.pathname + link.search);
    };
    addEventListener("popstate", back);
    document.addEventListener("click", click);
    return () => {
      removeEventListener("popstate", back);
      document.removeEventListener("click", click);
    };
  }
}

export const router = new Router();
