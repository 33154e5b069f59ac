// How many WebSockets of each rule are open in this worker, of those that are held to limits.

export class WebSocketCounts {
  readonly #open = new Map<string, number>();

  /** Whether a rule (by its key) may have one more. 0 is no limit. */
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
