// Lets one task run at a time, in the order of their requests.

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs a task after all earlier ones have ended. Resolves or rejects like the task. */
  take<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves once all tasks up to now have ended. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
