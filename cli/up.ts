// `weir up DIR`: serves a folder of YAML, each Gateway listener on its own port, and follows changes to the files.
import { statSync } from 'node:fs';
import { createLog } from '#lib/log.ts';
import { readUpConfig, UP_FLAGS } from '../proxy/config.ts';
import type { UpConfig } from '../proxy/config.ts';
import { serve } from '../proxy/serving.ts';
import type { ServingPorts } from '../proxy/serving.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { startDemoBackends } from './demo-backend.ts';
import type { DemoBackend } from './demo-backend.ts';
import { Standalone } from './standalone.ts';

export const up: Command = {
  name: 'up',
  arguments: 'DIR',
  summary: 'Serves a folder of YAML without a cluster, and serves each change after you save it.',
  flags: UP_FLAGS,
  readsEnvironment: true,
  async run(args) {
    const { folder, ...config } = parse(args);
    const log = createLog(config.logLevel);
    const backends: DemoBackend[] = [];
    const served = await serve(config, log, (serving) => {
      const standalone = new Standalone({ ...config, folder, log, serving });
      return {
        admin: standalone.admin,
        async start(ports) {
          if (config.demo) backends.push(...(await startDemoBackends(folder)));
          await standalone.start();
          serving.readiness.configured();
          announce(standalone, backends, ports);
        },
        stop: () => standalone.stop(),
      };
    });
    if (!served.ok) throw new UsageError(served.error);
    await Promise.all(backends.map((backend) => backend.stop()));
    return 0;
  },
};

function parse(args: readonly string[]): UpConfig & { readonly folder: string } {
  const config = readUpConfig(args);
  if (!config.ok) throw new UsageError(config.error);
  const [folder, ...rest] = config.value.folders;
  if (folder === undefined || rest.length > 0) throw new UsageError('weir up takes one folder: weir up DIR');
  if (!statSync(folder).isDirectory()) throw new UsageError(`${folder} is a file; weir up takes the folder that contains it`);
  return { ...config.value, folder };
}

function announce(standalone: Standalone, backends: readonly DemoBackend[], { admin, probe }: ServingPorts): void {
  for (const { name, address, port } of backends) console.log(`demo backend ${name} on http://${address}:${port}/`);
  for (const { listener, port } of standalone.listeners()) {
    if (listener.unserved !== undefined) console.log(`listener ${listener.key} is not served: ${listener.unserved}`);
    else if (port === null) console.log(`listener ${listener.key} is not bound to port ${listener.port}: see the log`);
    else console.log(`listener ${listener.key} on ${urlOf(listener.protocol, listener.hostname, port)}`);
  }
  if (admin !== null) console.log(`admin on http://127.0.0.1:${admin}/config`);
  if (probe !== null) console.log(`metrics on http://127.0.0.1:${probe}/metrics`);
  console.log('serving; stop with Ctrl-C');
}

function urlOf(protocol: string, hostname: string, port: number): string {
  const host = hostname === '' ? '127.0.0.1' : hostname;
  const scheme = protocol.toLowerCase();
  return scheme.startsWith('http') ? `${scheme}://${host}:${port}/` : `${scheme}://${host}:${port}`;
}
