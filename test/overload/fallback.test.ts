// The fixed answer of a policy if the backend gives none.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { EchoClient, status as grpcStatus, UNARY } from '../grpc/echo.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { header, status } from '../support/message.ts';
import type { Message } from '../support/message.ts';
import { cluster, listener, route, toUpstream } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';

closeAfterEach();

const RESPONSE = { status: 200, contentType: 'application/json', body: '{"items":[]}' };
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';

function policy(response: ir.Policy['settings'], further: ir.Policy['settings'] = {}): ir.Policy {
  const target = { kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' };
  const names = { policyKind: 'BackendTrafficPolicy', namespace: 'default', name: 'fallback', createdAt: 0 };
  const settings = { fallback: { response }, ...further };
  return { kind: 'Policy', key: 'BackendTrafficPolicy/default/fallback', ...names, targets: [target], settings };
}

/** A proxy to a backend without endpoints. */
function openAlone(response: ir.Policy['settings'], fields: Partial<ir.Route> = {}): Promise<Proxy> {
  return openProxy([policy(response), listener(), ...cluster('app', []), route(fields)]);
}

async function ask(proxy: Proxy, request = get()): Promise<Message> {
  return (await openClient(proxy.port)).ask(request);
}

describe('the fixed answer', () => {
  test('comes without endpoints', async () => {
    const proxy = await openAlone(RESPONSE);
    const answer = await ask(proxy);
    expect([status(answer), answer.body, header(answer, 'content-type')]).toEqual([200, '{"items":[]}', 'application/json']);
    expect(proxy.metric('weir_fallback_answers_total')).toBe(1);
    expect(await proxy.worker.registry.metrics()).toMatch(/weir_errors_total\{.*code="no_endpoints"\} 1/);
  });

  test('comes after the last attempt', async () => {
    const upstream = await openUpstream((_, connection) => {
      connection.socket.resetAndDestroy();
      return null;
    });
    const retry = { retry: { attempts: 2, backoff: 0, codes: [503] } };
    const proxy = await openProxy([policy(RESPONSE, retry), ...toUpstream(upstream.port)]);
    expect((await ask(proxy)).body).toBe('{"items":[]}');
  });

  test('comes when the backend is late', async () => {
    const upstream = await openUpstream(() => null);
    const proxy = await openProxy([policy(RESPONSE, { timeouts: { request: 50 } }), ...toUpstream(upstream.port)]);
    expect((await ask(proxy)).body).toBe('{"items":[]}');
  });

  test('has a status and a type of its own without others', async () => {
    const answer = await ask(await openAlone({ body: 'später' }));
    expect([status(answer), header(answer, 'content-type'), header(answer, 'content-length')]).toEqual([
      503,
      'text/plain; charset=utf-8',
      '7',
    ]);
  });

  test('passes the filters of answers', async () => {
    const headers = { set: [{ name: 'x-from', value: 'filter' }], add: [], remove: [] };
    const filter: ir.Filter = { type: 'ResponseHeaderModifier', headers };
    expect(header(await ask(await openAlone(RESPONSE, { filters: [filter] })), 'x-from')).toBe('filter');
  });
});

describe('does not replace', () => {
  test('an answer of the backend', async () => {
    const upstream = await openUpstream(UNAVAILABLE);
    const proxy = await openProxy([policy(RESPONSE), ...toUpstream(upstream.port)]);
    expect(status(await ask(proxy))).toBe(503);
  });

  test('an error that is not of the backend', async () => {
    const proxy = await openAlone(RESPONSE, { invalidReason: 'broken' });
    expect(status(await ask(proxy))).toBe(500);
  });

  test('the status of a call', async () => {
    const proxy = await openAlone(RESPONSE);
    const client = new EchoClient(proxy.port);
    closeLater(() => client.close());
    expect((await client.call(UNARY, [])).code).toBe(grpcStatus.UNAVAILABLE);
  });
});
