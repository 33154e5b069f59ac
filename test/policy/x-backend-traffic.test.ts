// XBackendTrafficPolicy of the Gateway API: its retry constraint is the retry budget of the backend, from the user's objects to requests.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, closeLater, get, openClient, openUpstream } from '../support/fixture.ts';
import { startProxyFor } from '../support/proxy.ts';

closeAfterEach();

const UNAVAILABLE = 'HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n';
const BACKEND = { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' };
const GATEWAY = { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'gw' };
const NONE = { percent: 0, minRetriesPerSecond: 0 };

function object(apiVersion: string, kind: string, name: string, spec: unknown): unknown {
  return { apiVersion, kind, metadata: { name, ...(kind === 'GatewayClass' ? {} : { namespace: 'default' }) }, spec };
}

/** The attempts of ten requests that all fail, each with up to one retry. */
async function attempts(constraint: object | null, own: object | null = null, ofGateway: object = {}): Promise<number> {
  const upstream = await openUpstream(UNAVAILABLE);
  const [standard, weir, foreign] = ['gateway.networking.k8s.io/v1', 'gateway.weir.dev/v1alpha1', 'gateway.networking.x-k8s.io/v1alpha1'];
  const policy = (targetRef: object, budget: object) => ({ targetRefs: [targetRef], retry: { attempts: 1, backoff: '0s', budget } });
  const proxy = await startProxyFor([
    object(standard, 'GatewayClass', 'weir', { controllerName: 'gateway.weir.dev/controller' }),
    object(standard, 'Gateway', 'gw', { gatewayClassName: 'weir', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] }),
    object(weir, 'Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: upstream.port }] }),
    object(standard, 'HTTPRoute', 'app', { parentRefs: [{ name: 'gw' }], rules: [{ backendRefs: [BACKEND] }] }),
    object(weir, 'BackendTrafficPolicy', 'edge', policy(GATEWAY, ofGateway)),
    ...(own === null ? [] : [object(weir, 'BackendTrafficPolicy', 'own', policy(BACKEND, own))]),
    ...(constraint === null ? [] : [object(foreign, 'XBackendTrafficPolicy', 'x', { targetRefs: [BACKEND], retryConstraint: constraint })]),
  ]);
  closeLater(() => proxy.close());
  const client = await openClient(proxy.port);
  for (let i = 0; i < 10; i++) await client.ask(get());
  return upstream.requests.length;
}

describe('the retry constraint', () => {
  test('limits the retries of a route', async () => {
    const rate = { count: 1, interval: '1h' };
    expect(await attempts({ budget: { percent: 0 }, minRetryRate: rate })).toBe(11);
    expect(await attempts({ budget: { percent: 100 }, minRetryRate: rate })).toBe(20);
  });

  test('has the defaults of its CRD', async () => {
    expect(await attempts({}, null, NONE)).toBeGreaterThanOrEqual(19);
  });

  test('wins over policies of the Gateway, and loses to those of the backend', async () => {
    expect(await attempts({ budget: { percent: 100 } }, null, NONE)).toBe(20);
    expect(await attempts({ budget: { percent: 100 } }, NONE)).toBe(10);
  });
});
