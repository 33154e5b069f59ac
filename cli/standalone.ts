// Controller and proxy in one process, from a folder of YAML: what `weir up` runs, and what tests and benchmarks of the whole run.
import type * as ir from '#api/ir/ir.ts';
import type { Log } from '#lib/log.ts';
import { Pipeline } from '../controller/pipeline.ts';
import type { ResourceSink } from '../controller/pipeline.ts';
import { StatusLog } from '../controller/status/status-log.ts';
import { FileSource } from '../controller/watch/files.ts';
import { DEFAULT_LIMITS } from '../proxy/exchange/limits.ts';
import type { Limits } from '../proxy/exchange/limits.ts';
import { Worker } from '../proxy/worker.ts';

export const CONTROLLER_NAME = 'gateway.weir.dev/controller';

/** How long changes to files may gather, milliseconds; the file source has waited for the editor already. */
const BATCH = { quiet: 5, maximum: 50 };

export interface StandaloneOptions {
  readonly folder: string;
  readonly log: Log;
  readonly workers: number;
  /** `off`, `stdout` or a file. */
  readonly accessLog: string;
  /** How long connections of a port that is closed may live on, milliseconds. */
  readonly drainTimeout: number;
  readonly limits?: Partial<Limits>;
  /** From the port of a listener to the one to bind; tests give 0 for any free port. */
  readonly bindPort?: (port: number) => number;
}

export class Standalone {
  readonly #options: StandaloneOptions;
  readonly #worker: Worker;
  readonly #pipeline: Pipeline;
  readonly #applying = new Set<Promise<void>>();

  constructor(options: StandaloneOptions) {
    const { log } = options;
    this.#options = options;
    this.#worker = new Worker({ ...options, limits: { ...DEFAULT_LIMITS, ...options.limits }, reusePort: false });
    this.#pipeline = new Pipeline({
      sources: [new FileSource(options.folder)],
      compiler: { controllerName: CONTROLLER_NAME, allowLoopback: true, bindAddresses: true },
      batch: BATCH,
      push: { apply: (delta) => this.#push(delta) },
      status: new StatusLog(log),
      log,
    });
  }

  /** Resolves once everything in the folder is served. Rejects when the folder cannot be read. */
  async start(): Promise<void> {
    await this.#pipeline.start();
    await Promise.all(this.#applying);
  }

  /** The listeners that are configured, with the ports they are bound to (null: not bound). */
  listeners(): readonly { readonly listener: ir.Listener; readonly port: number | null }[] {
    return this.#worker.resources().listeners.map((listener) => ({ listener, port: this.#worker.boundPort(listener.port) }));
  }

  /** Lets what is in flight finish, for the drain timeout at most. */
  async stop(): Promise<void> {
    await this.#pipeline.stop();
    await this.#worker.stop(this.#options.drainTimeout);
  }

  /** What compile made goes straight to the worker: it was never on a wire, so there is nothing to decode but JSON. */
  #push({ changed, removed }: Parameters<ResourceSink['apply']>[0]): void {
    const resources = changed.map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
    const applied = this.#worker.apply(resources, removed).then((errors) => {
      for (const error of errors) this.#options.log.error({ ...error }, 'the proxy cannot serve a resource');
    });
    this.#applying.add(applied);
    void applied.finally(() => this.#applying.delete(applied));
  }
}
