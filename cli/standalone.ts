// The controller's part of `weir up`: compiles a folder of YAML and hands it to the proxy beside it.
import type * as ir from '#api/ir/ir.ts';
import type { Log } from '#lib/log.ts';
import { Pipeline } from '../controller/pipeline.ts';
import type { Handover } from '../controller/compile/result.ts';
import { CompileMetrics } from '../controller/admin/compile-metrics.ts';
import { StatusLog } from '../controller/status/status-log.ts';
import { FileSource } from '../controller/watch/files.ts';
import { lackIn, withPairs } from '../proxy/runtime/pairs.ts';
import { configFamilies } from '../proxy/subscribe/metrics.ts';
import type { Supervisor } from '../proxy/supervisor/supervisor.ts';
import { HeldResources } from './held-resources.ts';
import { ReloadLog } from './reload-log.ts';

export const CONTROLLER_NAME = 'gateway.weir.dev/controller';

/** How long changes to files may gather, milliseconds; the file source has waited for the editor already. */
const BATCH = { quiet: 5, maximum: 50 };

export interface StandaloneOptions {
  readonly folder: string;
  /** Documents for other programs are problems. */
  readonly strictKinds: boolean;
  readonly log: Log;
  /** Takes what the folder compiles to. */
  readonly supervisor: Supervisor;
}

export class Standalone {
  readonly #options: StandaloneOptions;
  readonly #pipeline: Pipeline;
  readonly #reloads: ReloadLog;
  readonly #metrics: CompileMetrics;
  readonly #held = new HeldResources();

  constructor(options: StandaloneOptions) {
    const { log, supervisor } = options;
    this.#options = options;
    supervisor.expose(configFamilies({ revision: () => this.#held.revision, refused: () => this.#held.refused }));
    const sources = { problems: () => this.#pipeline.problems(), waiting: () => this.#pipeline.waiting };
    this.#metrics = new CompileMetrics(supervisor.registry, sources);
    this.#reloads = new ReloadLog(log);
    this.#pipeline = new Pipeline({
      sources: [this.#reloads.watching(new FileSource(options.folder, { strictKinds: options.strictKinds }))],
      compiler: { controllerName: CONTROLLER_NAME, allowLoopback: true, bindAddresses: true },
      batch: BATCH,
      sinks: { statuses: new StatusLog(log), proxy: { essential: true, apply: (delta) => this.#push(delta) } },
      log,
      compiled: (delta, ms) => {
        const { changed, removed } = delta;
        this.#metrics.compiled(delta, ms);
        if (changed.length + removed.length === 0) this.#reloads.unchanged();
      },
    });
  }

  /** Resolves once everything in the folder is served. Rejects when the folder cannot be read. */
  async start(): Promise<void> {
    await this.#pipeline.start();
    this.#reloads.begin();
  }

  /** The listeners that are configured, with the ports they are bound to (null: not bound). */
  listeners(): readonly { readonly listener: ir.Listener; readonly port: number | null }[] {
    const { supervisor } = this.#options;
    const resources = supervisor.resources();
    const lacks = lackIn(new Map(resources.filter((resource) => resource.kind === 'Secret').map((secret) => [secret.key, secret])));
    const listeners = resources.filter((resource) => resource.kind === 'Listener').map((listener) => withPairs(listener, lacks));
    return listeners.map((listener) => ({ listener, port: supervisor.boundPort(listener.port) }));
  }

  /** Follows the folder no longer. What it was last is still served. */
  stop(): Promise<void> {
    return this.#pipeline.stop();
  }

  /** What compile made goes straight to the supervisor: it was never on a wire, so there is nothing to decode but JSON. */
  async #push({ changed, removed }: Handover): Promise<void> {
    const resources = changed.map(({ body }) => JSON.parse(body.toString()) as ir.Resource);
    const noted = resources.length + removed.length === 0 ? new Map() : this.#reloads.take();
    const errors = await this.#options.supervisor.apply(resources, removed);
    this.#held.take(changed, removed, errors);
    for (const error of errors) this.#options.log.error({ ...error }, 'the proxy cannot serve a resource');
    this.#reloads.served(noted);
  }
}
