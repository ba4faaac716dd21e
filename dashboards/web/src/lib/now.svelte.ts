// A clock that ticks once a second, for ages and countdowns.

class Now {
  ms = $state(Date.now());

  start(): () => void {
    const timer = setInterval(() => (this.ms = Date.now()), 1000);
    return () => clearInterval(timer);
  }
}

export const now = new Now();
