// Work that follows many events: it runs once, a moment after the first of them.

/** How long events gather, milliseconds. */
const GATHER_MS = 50;

export class Soon {
  readonly #work: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(work: () => void) {
    this.#work = work;
  }

  /** The work will run, once for all calls until then. */
  ask(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#work();
    }, GATHER_MS);
  }

  /** Work that waits does not run any more. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
