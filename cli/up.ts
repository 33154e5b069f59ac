// `weir up DIR`: serves a folder of YAML, each Gateway listener on its own port, and follows changes to the files.
import { statSync } from 'node:fs';
import { MAX_OPERATION_BYTES } from '#api/wire/operator-limits.ts';
import { createLog, standardError } from '#lib/log.ts';
import type { Log } from '#lib/log.ts';
import { RecentLog } from '#lib/recent-log.ts';
import { readUpSettings, UP_ADMIN_FLAGS } from '../admin/config.ts';
import type { AdminSettings } from '../admin/config.ts';
import type { RunOperation } from '../admin/live/local-controller.ts';
import type { AdminPart } from '../admin/part.ts';
import type { CompilerOptions } from '../controller/compile/compile.ts';
import { operationPaths, operationRunner } from '../controller/operations/operations.ts';
import { readUpConfig, UP_FLAGS } from '../proxy/config.ts';
import type { UpConfig } from '../proxy/config.ts';
import { serve } from '../proxy/serving.ts';
import type { ServingPorts } from '../proxy/serving.ts';
import { showPassword } from './admin.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { startDemoBackends } from './demo-backend.ts';
import type { DemoBackend } from './demo-backend.ts';
import { Standalone } from './standalone.ts';

const FLAGS = [...UP_FLAGS, UP_ADMIN_FLAGS];

export const up: Command = {
  name: 'up',
  arguments: 'DIR',
  summary: 'Serves a folder of YAML without a cluster, and serves each change after you save it.',
  flags: FLAGS,
  readsEnvironment: true,
  async run(args) {
    const { folder, admin, ...config } = parse(args);
    const recentLog = new RecentLog(standardError());
    const log = createLog(config.logLevel, recentLog);
    const backends: DemoBackend[] = [];
    const operators = new Operators(log, recentLog);
    const served = await serve(config, log, (serving) => {
      const standalone = new Standalone({ ...config, folder, log, serving });
      const operations = standalone.operations();
      const operate = operationRunner(operations, log);
      return {
        admin: { paths: operationPaths(operations, log), maxBodyBytes: MAX_OPERATION_BYTES },
        async start(ports) {
          if (config.demo) backends.push(...(await startDemoBackends(folder)));
          await standalone.start();
          serving.readiness.configured();
          const expose = (families: AdminPart['families']): void => serving.supervisor.expose(families);
          const compiler = standalone.compilerOptions();
          const lines = admin === null ? [] : await operators.start(admin, { folder, compiler, operate }, expose);
          announce(standalone, backends, ports, lines);
        },
        async stop() {
          await operators.stop();
          await standalone.stop();
        },
      };
    });
    if (!served.ok) throw new UsageError(served.error);
    await Promise.all(backends.map((backend) => backend.stop()));
    return 0;
  },
};

/** What the admin API reads and steers. */
interface Operated {
  readonly folder: string;
  readonly compiler: CompilerOptions;
  readonly operate: RunOperation;
}

/** The admin API beside the gateway: whatever happens to it costs the gateway nothing. */
class Operators {
  readonly #log: Log;
  readonly #recentLog: RecentLog;
  #part: AdminPart | null = null;

  constructor(log: Log, recentLog: RecentLog) {
    this.#log = log;
    this.#recentLog = recentLog;
  }

  /** Resolves to the lines that tell how to reach the API; a failure is a line of the log. */
  async start(
    settings: AdminSettings,
    { folder, compiler, operate }: Operated,
    expose: (families: AdminPart['families']) => void,
  ): Promise<readonly string[]> {
    try {
      // Without the admin API its code is not loaded.
      const { AdminPart } = await import('../admin/part.ts');
      const { FolderStore } = await import('../admin/configuration/folder-store.ts');
      const { LocalController } = await import('../admin/live/local-controller.ts');
      const configuration = new FolderStore(folder, compiler);
      const live = new LocalController(operate);
      const own = { log: this.#log, recentLog: this.#recentLog, showPassword };
      const part = new AdminPart({ settings, configuration, git: null, cluster: null, reviewer: null, live, ...own });
      const started = await part.start();
      if (!started.ok) {
        this.#log.warn({ reason: started.error }, 'the admin API is not served; the gateway is');
        return [];
      }
      this.#part = part;
      expose(part.families);
      for (const [name, reason] of Object.entries(part.troubles)) this.#log.warn({ part: name, reason }, 'a part of the admin API is away');
      return [`admin API on ${started.value}/api/v1/docs`];
    } catch (error) {
      this.#log.error({ err: error }, 'a bug stopped the admin API; the gateway is served');
      return [];
    }
  }

  async stop(): Promise<void> {
    await this.#part?.stop();
  }
}

function parse(args: readonly string[]): UpConfig & { readonly folder: string; readonly admin: AdminSettings | null } {
  const config = readUpConfig(args, process.env, FLAGS);
  if (!config.ok) throw new UsageError(config.error);
  const [folder, ...rest] = config.value.folders;
  if (folder === undefined || rest.length > 0) throw new UsageError('weir up takes one folder: weir up DIR');
  if (!statSync(folder).isDirectory()) throw new UsageError(`${folder} is a file; weir up takes the folder that contains it`);
  const admin = readUpSettings(args, FLAGS, folder);
  if (!admin.ok) throw new UsageError(admin.error);
  return { ...config.value, folder, admin: admin.value };
}

function announce(
  standalone: Standalone,
  backends: readonly DemoBackend[],
  { admin, probe }: ServingPorts,
  lines: readonly string[],
): void {
  for (const { name, address, port } of backends) console.log(`demo backend ${name} on http://${address}:${port}/`);
  for (const { listener, port } of standalone.listeners()) {
    if (listener.unserved !== undefined) console.log(`listener ${listener.key} is not served: ${listener.unserved}`);
    else if (port === null) console.log(`listener ${listener.key} is not bound to port ${listener.port}: see the log`);
    else console.log(`listener ${listener.key} on ${urlOf(listener.protocol, listener.hostname, port)}`);
  }
  if (admin !== null) console.log(`admin on http://127.0.0.1:${admin}/config`);
  if (probe !== null) console.log(`metrics on http://127.0.0.1:${probe}/metrics`);
  for (const line of lines) console.log(line);
  console.log('serving; stop with Ctrl-C');
}

function urlOf(protocol: string, hostname: string, port: number): string {
  const host = hostname === '' ? '127.0.0.1' : hostname;
  const scheme = protocol.toLowerCase();
  return scheme.startsWith('http') ? `${scheme}://${host}:${port}/` : `${scheme}://${host}:${port}`;
}
