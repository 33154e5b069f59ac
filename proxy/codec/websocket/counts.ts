// The number of open WebSockets of each rule in this worker, of rules with limits.

export class WebSocketCounts {
  readonly #open = new Map<string, number>();

  /** Whether a rule (by its key) may open another. 0 is unlimited. */
  hasRoom(route: string, limit: number): boolean {
    return limit === 0 || (this.#open.get(route) ?? 0) < limit;
  }

  enter(route: string): void {
    this.#open.set(route, (this.#open.get(route) ?? 0) + 1);
  }

  leave(route: string): void {
    const left = (this.#open.get(route) ?? 0) - 1;
    if (left > 0) this.#open.set(route, left);
    else this.#open.delete(route);
  }
}
