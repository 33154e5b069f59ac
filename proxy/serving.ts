// A proxy that serves, wherever its configuration comes from: supervisor, probes, admin, and the way to its end.
import { setTimeout as wait } from 'node:timers/promises';
import type { AdminServer } from '#lib/admin-server.ts';
import type { Log } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { endAtOnce, firstSignal, onHangup } from '#lib/signals.ts';
import { createAdminServer } from './admin/admin.ts';
import { createProbeServer } from './admin/probe.ts';
import { Readiness } from './admin/readiness.ts';
import type { ServingConfig } from './config.ts';
import { describeSecrets } from './supervisor/pairs.ts';
import { Supervisor } from './supervisor/supervisor.ts';

/** Ports of the servers beside the listeners; null where there is none. */
export interface ServingPorts {
  readonly admin: number | null;
  readonly probe: number | null;
}

export class Serving {
  readonly supervisor: Supervisor;
  readonly readiness: Readiness;
  readonly #config: ServingConfig;
  readonly #log: Log;
  readonly #admin: AdminServer | null;
  readonly #probe: AdminServer | null;

  constructor(config: ServingConfig, log: Log) {
    this.#config = config;
    this.#log = log;
    this.supervisor = new Supervisor({ ...config, log });
    this.readiness = new Readiness({
      serving: () => this.supervisor.serving,
      bindings: () => this.supervisor.bindingState,
      bindTimeout: config.limits.bindTimeout,
    });
    const sources = {
      resources: () => this.supervisor.resources(),
      secrets: () => describeSecrets(this.supervisor.resources()),
      version: () => this.supervisor.version,
      drain: () => {
        this.readiness.drain();
        this.supervisor.drain();
      },
      log,
    };
    const { adminPort, probePort } = config;
    this.#admin = adminPort === null ? null : createAdminServer(adminPort, sources);
    this.#probe = probePort === null ? null : createProbeServer(probePort, this.readiness, (format) => this.supervisor.metrics(format));
  }

  /** Starts the servers. Where one of their ports cannot be bound everything is stopped again. */
  async start(): Promise<Result<ServingPorts>> {
    try {
      const ports = { admin: (await this.#admin?.start()) ?? null, probe: (await this.#probe?.start()) ?? null };
      if (ports.admin !== null || ports.probe !== null)
        this.#log.info({ ...ports, workers: this.#config.workers }, 'admin and probe ports');
      return ok(ports);
    } catch (error) {
      await this.stop();
      return err(`--admin-port, --probe-port: ${(error as Error).message}`);
    }
  }

  /**
   * The drain delay: whoever asks is told that traffic should go elsewhere, and new connections are accepted for as long as that
   * takes to get around. For the second half of it connections that are kept end with their next answer, so that hardly one is
   * left to be closed just as a request is sent on it.
   */
  async drain(): Promise<void> {
    this.readiness.drain();
    await wait(this.#config.drainDelay / 2);
    this.supervisor.drain();
    await wait(this.#config.drainDelay / 2);
  }

  /** The file of the access log may have been renamed: a new one is begun. */
  reopenLog(): void {
    const { accessLog } = this.#config;
    this.supervisor.reopenLog();
    this.#log.info({ signal: 'SIGHUP', accessLog }, 'the access log is opened anew, where it is a file');
  }

  /** Stops accepting, lets exchanges finish, cuts them at the deadline. Resolves as Supervisor.stop. */
  async stop(): Promise<boolean> {
    const flushed = await this.supervisor.stop(this.#config.drainTimeout);
    await this.#admin?.stop();
    await this.#probe?.stop();
    return flushed;
  }
}

/** Where the configuration of a proxy comes from. */
export interface ConfigFeed {
  /** Begins to bring it. */
  start(ports: ServingPorts): Promise<void>;
  /** Resolves when nothing comes any more. What came last is still served. */
  stop(): Promise<void>;
}

/**
 * A proxy from its beginning to its end:
 *
 *     SIGTERM: not ready ──drain delay──> not accepting, connections close as they finish ──all gone, or drain timeout──> end
 *
 * Resolves when everything has come to its end, or to why it could not begin.
 */
export async function serve(config: ServingConfig, log: Log, feedOf: (serving: Serving) => ConfigFeed): Promise<Result<void>> {
  endOnBugs(log);
  const signal = firstSignal();
  const serving = new Serving(config, log);
  onHangup(() => serving.reopenLog());
  const feed = feedOf(serving);
  const started = await serving.start();
  if (!started.ok) return started;
  await feed.start(started.value);
  const { drainDelay, drainTimeout } = config;
  log.info({ signal: await signal, drainDelay, drainTimeout }, 'draining');
  await serving.drain();
  // Until here endpoints came and went like before.
  await feed.stop();
  await finish(serving, log);
  return ok(undefined);
}

/** Stops serving. Where the access log is stuck in a pipe that is not read, only the kernel can end the process. */
async function finish(serving: Serving, log: Log): Promise<void> {
  const flushed = await serving.stop();
  log.info('stopped');
  if (flushed) return;
  log.error('the access log could not be written to its end');
  endAtOnce('SIGKILL');
}

/** An exception that was not caught is a bug, and leaves an unknown state. */
function endOnBugs(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'the proxy failed');
    process.exit(1);
  });
}
