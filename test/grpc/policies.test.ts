// Effects of a BackendTrafficPolicy on the calls of a GRPCRoute, starting from the user's objects.
import { expect, test } from '@jest/globals';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { startProxyFor } from '../support/proxy.ts';
import { CHAT, EchoClient, EchoServer, status, UNARY } from './echo.ts';

closeAfterEach();

function object(apiVersion: string, kind: string, name: string, spec: unknown): unknown {
  return { apiVersion, kind, metadata: { name, ...(kind === 'GatewayClass' ? {} : { namespace: 'default' }) }, spec };
}

const GATEWAY_API = 'gateway.networking.k8s.io/v1';
const WEIR_API = 'gateway.weir.dev/v1alpha1';

/** A client of a proxy with a GRPCRoute to the server and this policy on the route. */
async function openClient(server: EchoServer, settings: Readonly<Record<string, unknown>>): Promise<EchoClient> {
  const backendRefs = [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'echo' }];
  const targetRefs = [{ group: 'gateway.networking.k8s.io', kind: 'GRPCRoute', name: 'calls' }];
  const proxy = await startProxyFor([
    object(GATEWAY_API, 'GatewayClass', 'weir', { controllerName: 'gateway.weir.dev/controller' }),
    object(GATEWAY_API, 'Gateway', 'gw', { gatewayClassName: 'weir', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] }),
    object(WEIR_API, 'Backend', 'echo', { endpoints: [{ ip: '127.0.0.1', port: server.port }] }),
    object(GATEWAY_API, 'GRPCRoute', 'calls', { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs }] }),
    object(WEIR_API, 'BackendTrafficPolicy', 'calls', { targetRefs, ...settings }),
  ]);
  closeLater(() => proxy.close());
  const client = new EchoClient(proxy.port);
  closeLater(() => client.close());
  return client;
}

async function openServer(): Promise<EchoServer> {
  const server = await EchoServer.start();
  closeLater(() => server.close());
  return server;
}

test('its timeout is a deadline for calls that have none', async () => {
  const server = await openServer();
  const client = await openClient(server, { timeouts: { request: '200ms' } });
  expect((await client.call(CHAT, [], { metadata: { 'x-hang': '1' } })).code).toBe(status.DEADLINE_EXCEEDED);
  expect(server.timeouts[0]).toBeLessThanOrEqual(200);
});

test('calls with the statuses of its retry are retried, as often as it allows', async () => {
  const server = await openServer();
  const client = await openClient(server, { retry: { grpcStatuses: [status.UNAVAILABLE], attempts: 3, backoff: '1ms' } });
  expect((await client.call(UNARY, [], { metadata: { 'x-fail': String(status.UNAVAILABLE) } })).code).toBe(status.UNAVAILABLE);
  expect(server.timeouts).toHaveLength(4);
  expect((await client.call(UNARY, [], { metadata: { 'x-fail': String(status.NOT_FOUND) } })).code).toBe(status.NOT_FOUND);
  expect(server.timeouts).toHaveLength(5);
});
