// Compares passwords with bcrypt hashes in a thread of its own, which starts with the first comparison.
import { Worker } from 'node:worker_threads';
import type { BcryptResult, BcryptTask } from './bcrypt-thread.ts';

type Settle = (matches: boolean | null) => void;

export class Bcrypt {
  #thread: Worker | null = null;
  readonly #waiting = new Map<number, Settle>();
  #lastId = 0;

  /** Null: the thread ended before the result, for example for lack of memory. */
  compare(password: string, hash: string): Promise<boolean | null> {
    const thread = this.#thread ?? this.#start();
    const id = ++this.#lastId;
    return new Promise((settle) => {
      this.#waiting.set(id, settle);
      thread.postMessage({ id, password, hash } satisfies BcryptTask);
    });
  }

  /** Ends the thread. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  /** The next comparison starts another thread after the end of this one. */
  #start(): Worker {
    const thread = new Worker(new URL('./bcrypt-thread.ts', import.meta.url), { env: {} });
    this.#thread = thread;
    thread.on('message', ({ id, matches }: BcryptResult) => this.#settle(id, matches));
    thread.on('error', () => this.#ended(thread));
    thread.on('exit', () => this.#ended(thread));
    thread.unref();
    return thread;
  }

  #settle(id: number, matches: boolean | null): void {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(matches);
  }

  #ended(thread: Worker): void {
    if (this.#thread !== thread) return;
    this.#thread = null;
    for (const id of [...this.#waiting.keys()]) this.#settle(id, null);
  }
}
