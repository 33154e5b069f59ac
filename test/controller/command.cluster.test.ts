// `weir controller` as a process, with a real API server and a subscriber that acks all pushes.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { credentials, status } from '@grpc/grpc-js';
import { connectDiscovery } from '#api/wire/discovery.ts';
import type { PushMessage } from '#api/wire/messages.ts';
import { startCluster } from '../cluster/cluster.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { describeWith } from '../support/describe-with.ts';
import { gateway, gatewayClass, listOf } from '../support/objects.ts';
import { documentedRights } from '../support/rights.ts';

let cluster: Cluster;
let child: ChildProcess;

/** Resolves with the push port from the log. */
async function pushPort(): Promise<number> {
  for await (const line of createInterface({ input: child.stderr! })) {
    const { msg, push } = JSON.parse(line) as { msg?: string; push?: number };
    if (msg === 'proxies are served' && push !== undefined) return push;
  }
  throw new Error('the controller ended');
}

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.apply(listOf(gatewayClass(), gateway('gw', [{ name: 'http', port: 80 }])));
  const { kubeconfig } = await cluster.account('controller', documentedRights());
  const free = ['--push-address', '--metrics-address', '--admin-address'].flatMap((flag) => [flag, '127.0.0.1:0']);
  const args = ['cli/weir.ts', 'controller', '--kubeconfig', kubeconfig, '--namespace', 'default', '--addresses', '203.0.113.7', ...free];
  child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
});

afterAll(async () => {
  child.kill('SIGKILL');
  await cluster.stop();
});

describeWith(['cluster'], 'weir controller', () => {
  test('with the documented rights it serves a proxy, reports Programmed after its ack, and stops in order', async () => {
    const client = connectDiscovery(`127.0.0.1:${await pushPort()}`, credentials.createInsecure(), {});
    const stream = client.subscribe();
    const ended = once(stream, 'error') as Promise<[Error & { code: number }]>;
    const keys: string[] = [];
    stream.on('data', ({ nonce, changed }: PushMessage) => {
      keys.push(...changed.map(({ kind, key }) => `${kind} ${key}`));
      stream.write({ message: 'ack', ack: { nonce, errors: [], recovered: [] } });
    });
    stream.write({ message: 'hello', hello: { nodeId: 'test', weirVersion: '0' } });
    stream.write({ message: 'inventory', inventory: { held: [], last: true } });
    await cluster.until('Programmed', async () => {
      const { conditions = [] } = ((await cluster.object('gateway', 'gw'))['status'] ?? {}) as {
        conditions?: { type: string; status: string }[];
      };
      return conditions.some((condition) => condition.type === 'Programmed' && condition.status === 'True');
    });
    expect(keys).toEqual(['Listener default/gw/http']);
    child.kill('SIGTERM');
    const [error] = await ended;
    expect([status.UNAVAILABLE, status.CANCELLED]).toContain(error.code);
    client.close();
    expect(await once(child, 'exit')).toEqual([0, null]);
    const { spec } = (await cluster.object('lease', 'weir-controller')) as { spec: { holderIdentity?: string } };
    expect(spec.holderIdentity ?? '').toBe('');
  });
});
