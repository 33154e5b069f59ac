// `weir up` as a process, with one route to backends, for tests of its commands.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Child, runWeir } from './child.ts';
import { freePorts } from './free-port.ts';
import { gateway, gatewayClass } from './objects.ts';

/** A running `weir up`. */
export interface Up {
  readonly child: Child;
  /** The listener. */
  readonly port: number;
  readonly adminPort: number;
  /** Runs a command of operators against it. */
  weir(...args: readonly string[]): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
  stop(): Promise<void>;
}

/** Starts it with a route `default/app` to backends on these ports. Without a store and an access log. */
export async function startUp(backends: readonly number[], ...flags: readonly string[]): Promise<Up> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-up-'));
  const [port, adminPort] = (await freePorts(2)) as [number, number];
  const endpoints = backends.map((each) => ({ ip: '127.0.0.1', port: each }));
  const rules = [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }];
  const items = [
    gatewayClass(),
    gateway('gw', [{ name: 'http', port }]),
    { apiVersion: 'gateway.weir.dev/v1alpha1', kind: 'Backend', metadata: { name: 'app' }, spec: { endpoints } },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'HTTPRoute',
      metadata: { name: 'app' },
      spec: { parentRefs: [{ name: 'gw' }], hostnames: ['app.test'], rules },
    },
  ];
  writeFileSync(path.join(folder, 'all.json'), JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const child = new Child(['up', folder, '--access-log', 'off', '--store', 'off', '--admin-port', String(adminPort), ...flags]);
  await child.printed(/serving; stop with/);
  return {
    child,
    port,
    adminPort,
    weir: (...args) => runWeir([...args, '--controller', `127.0.0.1:${adminPort}`]),
    async stop() {
      await child.stop('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
