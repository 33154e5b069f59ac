// Calls beyond a limit, as a real client of gRPC gets them and repeats them.
import { expect, test } from '@jest/globals';
import { credentials } from '@grpc/grpc-js';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { limitPolicy } from '../support/limited-fleet.ts';
import { cluster, listener, route, startProxy } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { EchoClient, EchoServer, status, UNARY } from './echo.ts';

closeAfterEach();

/** The client repeats calls with this status, as often as this. */
const RETRYING = {
  'grpc.enable_retries': 1,
  'grpc.service_config': JSON.stringify({
    methodConfig: [
      {
        name: [{}],
        retryPolicy: {
          ...{ maxAttempts: 5, initialBackoff: '0.01s', maxBackoff: '0.01s', backoffMultiplier: 1 },
          retryableStatusCodes: ['RESOURCE_EXHAUSTED'],
        },
      },
    ],
  }),
};

async function limited(limit: object, options = {}): Promise<{ readonly client: EchoClient; readonly proxy: Proxy }> {
  const server = await EchoServer.start();
  closeLater(() => server.close());
  const proxy = await startProxy([listener(), ...cluster('app', [server.port]), route({ http2: true }), limitPolicy([limit])]);
  closeLater(() => proxy.close());
  const client = new EchoClient(proxy.port, credentials.createInsecure(), options);
  closeLater(() => client.close());
  return { client, proxy };
}

async function refused(proxy: Proxy): Promise<number> {
  const line = /^weir_limit_requests_total\{.*outcome="refused"\} (\d+)$/m.exec(await proxy.worker.registry.metrics());
  return Number(line?.[1]);
}

test('a call beyond a limit ends with RESOURCE_EXHAUSTED and tells what is left, and for a long wait that it must not be repeated', async () => {
  const { client, proxy } = await limited({ name: 'few', requests: 1, per: 600_000 }, RETRYING);
  const passes = await client.call(UNARY, [Buffer.from('a')]);
  expect([passes.code, passes.head.get('ratelimit-policy')]).toEqual([status.OK, ['"few";q=1;w=600']]);
  const { code, details, trailers } = await client.call(UNARY, [Buffer.from('b')]);
  expect([code, details]).toEqual([status.RESOURCE_EXHAUSTED, 'The caller sends more requests than it may']);
  expect(trailers.get('ratelimit-policy')).toEqual(['"few";q=1;w=600']);
  expect(trailers.get('ratelimit')).toEqual([expect.stringMatching(/^"few";r=0;t=\d+$/)]);
  expect(trailers.get('grpc-retry-pushback-ms')).toEqual(['-1']);
  expect(await refused(proxy)).toBe(1);
});

test('a client that repeats calls waits for as long as the limit asks, and then passes', async () => {
  const { client, proxy } = await limited({ name: 'few', algorithm: 'TokenBucket', requests: 1, per: 1_500 }, RETRYING);
  // On a busy machine two calls may be far enough apart.
  while (Number.isNaN(await refused(proxy)) || (await refused(proxy)) === 0) {
    expect((await client.call(UNARY, [Buffer.from('a')])).code).toBe(status.OK);
  }
  // Without the pause that the proxy asks for the client would have been refused again after 10 ms.
  expect(await refused(proxy)).toBe(1);
});
