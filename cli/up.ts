// `weir up DIR`: serves a folder of YAML, each Gateway listener on its own port, and follows changes to it.
import { parseArgs } from 'node:util';
import { createLog, LOG_LEVELS } from '#lib/log.ts';
import type { LogLevel } from '#lib/log.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { startDemoBackends } from './demo-backend.ts';
import type { DemoBackend } from './demo-backend.ts';
import { Standalone } from './standalone.ts';
import type { StandaloneOptions } from './standalone.ts';

const DRAIN_TIMEOUT_MS = 10_000;

export const up: Command = {
  name: 'up',
  usage: 'DIR [--workers N] [--demo] [--access-log off|stdout|FILE] [--log-level LEVEL] [--drain-timeout MS]',
  summary: 'Serves a folder of YAML without a cluster; changes to it are live when they are saved.',
  async run(args) {
    const { options, demo } = parse(args);
    const signal = untilSignal();
    const backends = demo ? await startDemoBackends(options.folder) : [];
    const standalone = new Standalone(options);
    await standalone.start();
    announce(standalone, backends);
    await signal;
    await standalone.stop();
    await Promise.all(backends.map((backend) => backend.stop()));
    return 0;
  },
};

function parse(args: readonly string[]): { readonly options: StandaloneOptions; readonly demo: boolean } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      workers: { type: 'string', default: '1' },
      demo: { type: 'boolean', default: false },
      'access-log': { type: 'string', default: 'stdout' },
      'log-level': { type: 'string', default: 'info' },
      'drain-timeout': { type: 'string', default: String(DRAIN_TIMEOUT_MS) },
    },
  });
  const [folder, ...rest] = positionals;
  if (folder === undefined || rest.length > 0) throw new UsageError('weir up takes one folder');
  return {
    demo: values.demo,
    options: {
      folder,
      log: createLog(logLevel(values['log-level'])),
      workers: count('--workers', values.workers),
      accessLog: values['access-log'],
      drainTimeout: count('--drain-timeout', values['drain-timeout']),
    },
  };
}

function logLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === text);
  if (level === undefined) throw new UsageError(`--log-level: ${JSON.stringify(text)} is none of ${LOG_LEVELS.join(', ')}`);
  return level;
}

function count(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new UsageError(`${flag}: ${JSON.stringify(text)} is not a count`);
  return value;
}

function announce(standalone: Standalone, backends: readonly DemoBackend[]): void {
  for (const { name, address, port } of backends) console.log(`demo backend ${name} on http://${address}:${port}/`);
  for (const { listener, port } of standalone.listeners()) {
    if (port === null) console.log(`listener ${listener.key} is not bound to port ${listener.port}: see the log`);
    else console.log(`listener ${listener.key} on ${urlOf(listener.protocol, listener.hostname, port)}`);
  }
  console.log('serving; stop with Ctrl-C');
}

function urlOf(protocol: string, hostname: string, port: number): string {
  const host = hostname === '' ? '127.0.0.1' : hostname;
  return `${protocol.toLowerCase()}://${host}:${port}/`;
}

function untilSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      resolve();
      // Whoever asks twice does not want to wait for what is in flight.
      process.once(signal, () => process.exit(1));
    });
  }
  return promise;
}
