// At most so many probes at the same time: the others wait for a slot, first come, first served.

/** Work that gets a slot later, unless it is withdrawn. */
export interface Waiting {
  start: (() => void) | null;
}

export class Slots {
  #free: number;
  #queue: Waiting[] = [];
  #next = 0;

  constructor(count: number) {
    this.#free = count;
  }

  /** Starts the work now or later; each start takes a slot, which `release` returns. Withdraw waiting work by `start = null`. */
  take(start: () => void): Waiting {
    const waiting: Waiting = { start };
    this.#queue.push(waiting);
    this.#advance();
    return waiting;
  }

  release(): void {
    this.#free++;
    this.#advance();
  }

  #advance(): void {
    while (this.#free > 0 && this.#next < this.#queue.length) {
      const waiting = this.#queue[this.#next++] as Waiting;
      const { start } = waiting;
      waiting.start = null;
      if (start === null) continue;
      this.#free--;
      start();
    }
    if (this.#next < this.#queue.length) return;
    this.#queue = [];
    this.#next = 0;
  }
}
