// Methods that grpc-go tells by reflection, and their metrics.
import { expect, test } from '@jest/globals';
import { manifest, SecurityRig } from '../security/rig.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { GRPC_PEER, PeerServer } from './peer.ts';
import { callShop } from './shop.ts';

closeAfterEach();

const TARGET = { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }] };
const HTTP2 = manifest('BackendTrafficPolicy', 'http2', { ...TARGET, protocol: 'HTTP2' });
const POLICY = manifest('HTTPPolicy', 'methods', {
  ...TARGET,
  grpcMethods: { reflection: { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' } },
});

async function start(reflection: 'v1' | 'v1alpha' | 'none'): Promise<SecurityRig> {
  buildGoTool(GRPC_PEER);
  const server = await PeerServer.start(reflection);
  closeLater(() => server.stop());
  return SecurityRig.start([HTTP2, POLICY, manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: server.port }] })]);
}

/** The calls of a method with a status. */
async function count({ proxy }: SecurityRig, method: string, status: number): Promise<number> {
  const text = await proxy.worker.registry.metrics();
  const line = new RegExp(
    `^weir_grpc_method_requests_total\\{grpc_service="[^"]*",grpc_method="${method}",grpc_status="${status}"\\} (\\d+)$`,
    'm',
  );
  return Number(line.exec(text)?.[1] ?? 0);
}

describeWith(['go'], 'the methods of a backend', () => {
  test.each(['v1', 'v1alpha'] as const)(
    'are counted, known by reflection %s',
    async (version) => {
      const rig = await start(version);
      const { port } = rig.proxy;
      while ((await count(rig, 'Create', 0)) === 0) expect((await callShop(port, 'Create', [{ id: 'a' }])).error).toBe('');
      const before = await count(rig, 'Create', 0);
      expect(await callShop(port, 'Create', [{ id: 'a' }], true)).toMatchObject({ orders: [{ id: 'a' }], error: '' });
      expect((await callShop(port, 'Chat', [{ id: 'a' }, { id: 'b' }])).orders).toHaveLength(2);
      await rig.proxy.quiet();
      expect([(await count(rig, 'Create', 0)) - before, await count(rig, 'Chat', 0)]).toEqual([1, 1]);
    },
    180_000,
  );

  test('are others where the backend has no reflection, and for paths that callers make up', async () => {
    const rig = await start('none');
    const { port } = rig.proxy;
    for (const name of ['Create', 'Chat'] as const) await callShop(port, name, [{ id: 'a' }]);
    await rig.proxy.quiet();
    expect([await count(rig, 'other', 0), await count(rig, 'Create', 0)]).toEqual([2, 0]);
  });
});
