// The interop client of grpc-go against its interop server, through Weir.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { TestCa, secretOf } from '../support/certificates.ts';
import { describeWith } from '../support/describe-with.ts';
import { cluster, listener, route, startProxy } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { CASES, INTEROP, InteropServer, runCase } from './interop.ts';

describeWith(['go'], 'gRPC interop', () => {
  let server: InteropServer;
  let ca: TestCa;

  beforeAll(async () => {
    buildGoTool(INTEROP);
    server = await InteropServer.start();
    ca = await TestCa.create();
  }, 300_000);
  afterAll(async () => {
    await server.stop();
    await ca.remove();
  });

  function toServer(front: readonly ir.Resource[]): readonly ir.Resource[] {
    return [...front, ...cluster('app', [server.port]), route({ objectKind: 'GRPCRoute', key: 'GRPCRoute/default/route/0', http2: true })];
  }

  describe('on cleartext', () => {
    let proxy: Proxy;
    beforeAll(async () => {
      proxy = await startProxy(toServer([listener()]));
    });
    afterAll(() => proxy.close());

    test.each(CASES)('%s', async (name) => expect(await runCase(name, proxy.port, null)).toBe(''), 40_000);

    test('leaves no connections or exchanges behind', async () => {
      await proxy.quiet();
      expect(proxy.metric('weir_upstream_requests_pending')).toBe(0);
    });
  });

  describe('over TLS', () => {
    let proxy: Proxy;
    beforeAll(async () => {
      const secret = secretOf('default/cert', await ca.issue('test', 'DNS:interop.example.com'));
      proxy = await startProxy(
        toServer([secret, listener({ protocol: 'HTTPS', tls: { mode: 'Terminate', certificates: ['default/cert'] } })]),
      );
    });
    afterAll(() => proxy.close());

    test.each(CASES)('%s', async (name) => expect(await runCase(name, proxy.port, ca.certificate)).toBe(''), 40_000);
  });
});
