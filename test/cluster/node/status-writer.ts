// Writes the status of one Pod: only the newest, one write at a time, repeated until the API server has it.
import { setTimeout as delay } from 'node:timers/promises';
import { Backoff } from '#lib/backoff.ts';
import { ApiError } from './api.ts';
import type { Api } from './api.ts';
import type { Pod } from './objects.ts';

export class StatusWriter {
  readonly #api: Api;
  readonly #pod: Pod;
  readonly #status: () => object;
  #wanted = false;
  #closed = false;
  #writing: Promise<void> | null = null;

  /** `status` is called right before the write. */
  constructor(api: Api, pod: Pod, status: () => object) {
    this.#api = api;
    this.#pod = pod;
    this.#status = status;
  }

  /** Requests a write. */
  write(): void {
    this.#wanted = true;
    this.#writing ??= this.#writeAll();
  }

  /** Writes once more; resolves when the API server has it, or the Pod does not exist. */
  async flush(): Promise<void> {
    this.write();
    await this.#writing;
  }

  /** Stops all writes. */
  close(): void {
    this.#closed = true;
  }

  async #writeAll(): Promise<void> {
    const backoff = new Backoff({ minimum: 50, maximum: 1_000 });
    // Changes that come together are written together.
    await Promise.resolve();
    while (this.#wanted && !this.#closed) {
      this.#wanted = false;
      try {
        await this.#writeOnce();
      } catch (error) {
        if (error instanceof ApiError) this.#refused(error);
        this.#wanted = true;
        await delay(backoff.next());
      }
    }
    this.#writing = null;
  }

  /** The Pod is deleted, or another one has its name; any other failure is a bug that the log must show. */
  #refused(error: ApiError): void {
    if (error.status === 404 || error.status === 409) this.close();
    else console.error(`status of pod ${this.#pod.metadata.name}:`, error.message);
  }

  async #writeOnce(): Promise<void> {
    const { namespace, name, uid } = this.#pod.metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`;
    // The uid keeps this from a later Pod of the same name.
    await this.#api.patch(path, { metadata: { uid }, status: this.#status() }, 'strategic-merge-patch');
  }
}
