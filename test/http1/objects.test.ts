// From Kubernetes objects to bytes: the request path with compiled resources.
import { expect, test } from '@jest/globals';
import { endpointSlice, gateway, gatewayClass, httpRoute, service } from '../../controller/compile/testdata/objects.ts';
import { closeAfterEach, closeLater, get, openClient, openUpstream } from '../support/fixture.ts';
import { startProxyFor } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';

closeAfterEach();

test('a Gateway, an HTTPRoute and a Service answer', async () => {
  const upstream = await openUpstream(({ startLine }) => ok(startLine));
  const slice = endpointSlice('infra', 'app', 'a', ['127.0.0.1']);
  const rule = {
    matches: [{ path: { type: 'PathPrefix', value: '/shop' } }],
    filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } }],
    backendRefs: [{ name: 'app', port: 80 }],
  };
  const proxy = await startProxyFor([
    gatewayClass(),
    gateway('edge', [{ name: 'http', port: 80, protocol: 'HTTP' }]),
    httpRoute('infra', 'shop', { parentRefs: [{ name: 'edge' }], rules: [rule] }),
    service('infra', 'app'),
    { ...slice, ports: [{ port: upstream.port }] },
  ]);
  closeLater(() => proxy.close());
  const client = await openClient(proxy.port);
  expect((await client.ask(get('/shop/cart?a=b'))).body).toBe('GET /cart?a=b HTTP/1.1');
  expect((await client.ask(get('/other'))).startLine).toBe('HTTP/1.1 404 Not Found');
});
