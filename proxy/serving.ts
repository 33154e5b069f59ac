// A serving proxy with any source of configuration: supervisor, probes, admin, and the stop.
import { setTimeout as wait } from 'node:timers/promises';
import type { AdminServer } from '#lib/admin-server.ts';
import type { Log } from '#lib/log.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { endAtOnce, firstSignal, onHangup } from '#lib/signals.ts';
import { describeSystemError, isSystemError } from '#lib/system-error.ts';
import { createAdminServer } from './admin/admin.ts';
import type { AdminSources, FeedPaths } from './admin/admin.ts';
import { createProbeServer } from './admin/probe.ts';
import { Readiness } from './admin/readiness.ts';
import { chainCosts } from './chain-costs.ts';
import type { ServingConfig } from './config.ts';
import { describeSecrets } from './supervisor/pairs.ts';
import { Supervisor } from './supervisor/supervisor.ts';

/** Ports of the servers besides the listeners; null if turned off. */
export interface ServingPorts {
  readonly admin: number | null;
  readonly probe: number | null;
}

export class Serving {
  readonly supervisor: Supervisor;
  readonly readiness: Readiness;
  readonly #config: ServingConfig;
  readonly #log: Log;
  readonly #sources: AdminSources;
  #admin: AdminServer | null = null;
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
    this.#sources = {
      resources: () => this.supervisor.resources(),
      secrets: () => describeSecrets(this.supervisor.resources()),
      version: () => this.supervisor.version,
      drain: () => this.retire(),
      chainCosts: (query, signal) => chainCosts(this.supervisor, query, signal),
      log,
    };
    const { probePort } = config;
    this.#probe = probePort === null ? null : createProbeServer(probePort, this.readiness, (format) => this.supervisor.metrics(format));
  }

  /** Starts the servers, the admin server with the paths of the feed. If one cannot bind its port, everything is stopped again. */
  async start(feed: FeedPaths | null): Promise<Result<ServingPorts>> {
    const { adminPort } = this.#config;
    this.#admin = adminPort === null ? null : createAdminServer(adminPort, this.#sources, feed);
    try {
      const ports = { admin: (await this.#admin?.start()) ?? null, probe: (await this.#probe?.start()) ?? null };
      if (ports.admin !== null || ports.probe !== null)
        this.#log.info({ ...ports, workers: this.#config.workers }, 'admin and probe ports');
      return ok(ports);
    } catch (error) {
      await this.stop();
      return err(`--admin-port, --probe-port: ${isSystemError(error) ? describeSystemError(error) : (error as Error).message}`);
    }
  }

  /** Fails readiness probes, and ends kept connections with their next answers. New connections are still accepted. */
  retire(): void {
    this.readiness.drain();
    this.supervisor.drain();
  }

  /**
   * The drain delay: readiness probes fail, so that balancers send traffic elsewhere, and new connections are still accepted meanwhile. In
   * its second half, kept connections end with their next answer, so that few are closed just as a client sends a request.
   */
  async drain(): Promise<void> {
    this.readiness.drain();
    await wait(this.#config.drainDelay / 2);
    this.supervisor.drain();
    await wait(this.#config.drainDelay / 2);
  }

  /** A tool may have renamed the files of the logs: opens new ones. */
  reopenLog(): void {
    const { accessLog, securityLog } = this.#config;
    this.supervisor.reopenLog();
    this.#log.info({ signal: 'SIGHUP', accessLog, securityLog }, 'the access log is opened anew, where it is a file');
  }

  /** Stops accepting, lets exchanges finish, cuts them at the deadline. Resolves to the result of Supervisor.stop. */
  async stop(): Promise<boolean> {
    const flushed = await this.supervisor.stop(this.#config.drainTimeout);
    await this.#admin?.stop();
    await this.#probe?.stop();
    return flushed;
  }
}

/** The source of the configuration of a proxy. */
export interface ConfigFeed {
  /** More handlers of the admin server. */
  readonly admin?: FeedPaths;
  /** Starts to deliver configuration. */
  start(ports: ServingPorts): Promise<void>;
  /** Resolves when it delivers nothing more. The last configuration stays in use. */
  stop(): Promise<void>;
}

/**
 * The life of a proxy:
 *
 *     SIGTERM: not ready ──drain delay──> not accepting, connections close as they finish ──all gone, or drain timeout──> end
 *
 * Resolves after the end, or to the reason why the proxy could not start.
 */
export async function serve(config: ServingConfig, log: Log, feedOf: (serving: Serving) => ConfigFeed): Promise<Result<void>> {
  endOnBugs(log);
  const signal = firstSignal();
  const serving = new Serving(config, log);
  onHangup(() => serving.reopenLog());
  const feed = feedOf(serving);
  const started = await serving.start(feed.admin ?? null);
  if (!started.ok) return started;
  await feed.start(started.value);
  const { drainDelay, drainTimeout } = config;
  log.info({ signal: await signal, drainDelay, drainTimeout }, 'draining');
  await serving.drain();
  // Until here changes of endpoints still applied.
  await feed.stop();
  await finish(serving, log);
  return ok(undefined);
}

/** Stops serving. If the access log is stuck in a pipe without a reader, only the kernel can end the process. */
async function finish(serving: Serving, log: Log): Promise<void> {
  const flushed = await serving.stop();
  log.info('stopped');
  if (flushed) return;
  log.error('the access log could not be written to its end');
  endAtOnce('SIGKILL');
}

/** An uncaught exception is a bug and leaves an unknown state. */
function endOnBugs(log: Log): void {
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'the proxy failed');
    process.exit(1);
  });
}
