// `weir grpc methods` at `weir up`, as processes with two workers, with a backend of grpc-go.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { ListedMethod } from '../../controller/operations/grpc-methods.ts';
import { GRPC_PEER, PeerServer } from '../grpc/peer.ts';
import { describeWith } from '../support/describe-with.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { OperatedWeir } from '../support/operated-weir.ts';
import { callShop } from '../grpc/shop.ts';

const WEIR = 'gateway.weir.dev/v1alpha1';
const BACKEND = { group: 'gateway.weir.dev', kind: 'Backend', name: 'shop' };

const GATEWAY_API = 'gateway.networking.k8s.io/v1';

function backend(name: string, port: number, hostname: string): readonly object[] {
  const rules = [{ backendRefs: [{ ...BACKEND, name }] }];
  const route = { parentRefs: [{ name: 'gw' }], hostnames: [hostname], rules };
  return [
    { apiVersion: WEIR, kind: 'Backend', metadata: { name }, spec: { endpoints: [{ ip: '127.0.0.1', port }] } },
    { apiVersion: GATEWAY_API, kind: 'GRPCRoute', metadata: { name }, spec: route },
  ];
}

/** The backend `shop`, and one that is away. */
function objects(port: number): readonly object[] {
  const spec = { targetRefs: [{ kind: 'GRPCRoute', name: 'shop' }], grpcMethods: { reflection: BACKEND } };
  return [
    ...backend('shop', port, 'shop.example'),
    ...backend('away', 1, 'away.example'),
    { apiVersion: WEIR, kind: 'HTTPPolicy', metadata: { name: 'shop' }, spec },
  ];
}

describeWith(['go'], 'weir grpc methods', () => {
  let server: PeerServer;
  let up: OperatedWeir;

  beforeAll(async () => {
    buildGoTool(GRPC_PEER);
    server = await PeerServer.start('v1');
    up = await OperatedWeir.start(objects(server.port));
  }, 180_000);

  afterAll(async () => {
    await up.stop();
    await server.stop();
  });

  test('lists the methods of a backend before their first call', async () => {
    const { code, output } = await up.weir('grpc', 'methods', 'Backend/default/shop');
    expect(output).toMatch(/^SERVICE +METHOD +KIND +CALLS +FAILURES +P50 +P99\n/);
    for (const line of [/shop\.Orders +Chat +bidirectional +0 +0 +- +-/, /shop\.Orders +List +server streaming +0/])
      expect(output).toMatch(line);
    expect(code).toBe(0);
  });

  test('counts calls in all workers, with their failures', async () => {
    let calls = 0;
    for (; calls < 10; calls++) await callShop(up.port, 'Create', [{ id: 'a' }]);
    const { code, output } = await up.weir('grpc', 'methods', '--output', 'json');
    const { methods } = JSON.parse(output) as { readonly methods: readonly ListedMethod[] };
    // A worker that does not know the methods yet counts calls as others.
    expect(methods.reduce((sum, method) => sum + method.calls, 0)).toBe(calls);
    const create = methods.find(({ method }) => method === 'Create');
    expect(create).toMatchObject({ service: 'shop.Orders', failures: 0, statuses: { 0: create?.calls } });
    expect(code).toBe(0);
  });

  test('says why a backend does not tell', async () => {
    const { code, output } = await up.weir('grpc', 'methods', 'Backend/default/away');
    expect(output).toMatch(
      /some proxies do not tell all methods\n.*\n.*refused +backend Backend\/default\/away does not answer: upstream_connect_failed/,
    );
    expect(code).toBe(1);
  });

  test('takes one backend', async () => {
    expect(await up.weir('grpc', 'methods', 'a', 'b')).toMatchObject({ code: 2 });
    expect(await up.weir('grpc', 'methods', 'Backend/default/none')).toMatchObject({ code: 0 });
  });
});
