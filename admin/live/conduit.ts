// A pipe of one part from a writer to a reader: the writer waits until the reader takes it.
import type { Body } from '#lib/admin-server.ts';

export class Conduit implements Body, AsyncIterable<Uint8Array> {
  readonly #signal: AbortSignal;
  readonly #waiting: { readonly data: Buffer; readonly taken: () => void }[] = [];
  #wake: () => void = () => undefined;
  #end: { readonly error: unknown } | null = null;

  /** The signal: the reader has left. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#leave(), { once: true });
  }

  write(data: string | Buffer): Promise<void> {
    if (this.#signal.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ data: Buffer.from(data), taken: resolve });
    this.#wake();
    return promise;
  }

  /** No more parts follow. An error is thrown at the reader. */
  end(error: unknown): void {
    this.#end = { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    while (!this.#signal.aborted) {
      const part = this.#waiting.shift();
      if (part !== undefined) {
        part.taken();
        yield part.data;
      } else if (this.#end === null) await new Promise<void>((resolve) => (this.#wake = resolve));
      else if (this.#end.error === null) return;
      else throw this.#end.error as Error;
    }
  }

  #leave(): void {
    for (const { taken } of this.#waiting.splice(0)) taken();
    this.#wake();
  }
}
