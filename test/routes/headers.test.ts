// Rules about headers that codecs handle themselves, from the user's objects, over both protocols.
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, closeLater, get, openClient, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import type { Serve } from '../support/h2-upstream.ts';
import { header, status } from '../support/message.ts';
import { ok } from '../support/raw-upstream.ts';
import { EchoClient, EchoServer, status as grpc, UNARY } from '../grpc/echo.ts';
import { explainedRule, openRoutes, routeObjects } from './routes.ts';

closeAfterEach();

/** Answers with the host of the request. */
const host: Serve = (stream, headers) => {
  stream.respond({ ':status': 200 });
  stream.end(headers[':authority']);
};

const setHost = { type: 'RequestHeaderModifier', requestHeaderModifier: { set: [{ name: 'HOST', value: 'app.internal' }] } };

describe('set Host', () => {
  const places = [
    ['rule', { filters: [setHost] }],
    ['backend', { backendFilters: [setHost] }],
  ] as const;
  test.each(places)('of a %s reaches backends of both protocols, from clients of both', async (_, fields) => {
    const upstream = await openUpstream((message) => ok(header(message, 'host')));
    const h2 = await openH2Backend(host);
    const proxy = await openRoutes([
      { ...fields, path: '/1', port: upstream.port },
      { ...fields, path: '/2', port: h2.port, protocol: 'http2' },
    ]);
    const [client, session] = [await openClient(proxy.port), openSession(proxy.port)];
    for (const path of ['/1', '/2']) {
      expect((await client.ask(get(path))).body).toBe('app.internal');
      expect((await request(session, { ':path': path })).body.toString()).toBe('app.internal');
    }
  });
});

test('a filter for a framing header makes its rule unservable, and does not affect the others', async () => {
  const upstream = await openUpstream();
  const filters = [{ type: 'ResponseHeaderModifier', responseHeaderModifier: { remove: ['Transfer-Encoding'] } }];
  const proxy = await openRoutes([
    { path: '/bad', port: upstream.port, filters },
    { path: '/good', port: upstream.port },
  ]);
  const client = await openClient(proxy.port);
  expect([status(await client.ask(get('/bad'))), status(await client.ask(get('/good')))]).toEqual([500, 200]);
});

type Condition = Readonly<{ type?: string; name: string; value: string }>;

/** A request in each protocol; without `body` it has none. */
interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly h1?: readonly string[];
  readonly h2?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const expression = (name: string, value: string): Condition => ({ type: 'RegularExpression', name, value });
const length = (body: string): Asked => {
  const text = String(body.length);
  return { method: 'POST', h1: [`Content-Length: ${text}`], h2: { 'content-length': text }, body };
};
const upgrade = (protocol: string): Asked => ({
  h1: ['Connection: Upgrade', `Upgrade: ${protocol}`],
  h2: { ':method': 'CONNECT', ':protocol': protocol, 'sec-websocket-version': '13' },
});
const trailers: Asked = { h1: ['Connection: TE', 'TE: trailers'], h2: { te: 'trailers' } };
const expecting: Asked = { ...length('body'), h1: ['Expect: 100-Continue', 'Content-Length: 4'], h2: { expect: '100-Continue' } };

/** A condition, a request that meets it and one that does not. */
const CONDITIONS: readonly (readonly [string, Condition, Asked, Asked])[] = [
  ['Host', { name: 'Host', value: 'app.test:8080' }, { host: 'app.test:8080' }, { host: 'app.test' }],
  ['Host by expression', expression('host', '[a-z]+\\.test(:[0-9]+)?'), { host: 'app.test:80' }, { host: 'app.example' }],
  ['Content-Length', { name: 'Content-Length', value: '4' }, length('body'), length('longer')],
  ['Content-Length: 0', { name: 'content-length', value: '0' }, length(''), { method: 'POST' }],
  ['Content-Length by expression', expression('content-length', '[0-9]{2}'), length('0123456789'), length('0')],
  ['Expect', { name: 'Expect', value: '100-continue' }, expecting, length('body')],
  ['Expect by expression', expression('expect', '100.*'), expecting, {}],
  [
    'Expect without a body',
    { name: 'Expect', value: '100-continue' },
    { h1: ['Expect: 100-continue'], h2: { expect: '100-continue' } },
    {},
  ],
  ['Upgrade', { name: 'Upgrade', value: 'WebSocket' }, upgrade('websocket'), {}],
  ['Upgrade by expression', expression('Upgrade', 'Web.*'), upgrade('websocket'), {}],
  ['TE', { name: 'TE', value: 'Trailers' }, trailers, {}],
  ['TE by expression', expression('te', '.+'), trailers, {}],
];

/** Like a backend without WebSocket support. */
const refusal = (text: string): string => `HTTP/1.1 403 Forbidden\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

describe('a condition on a header that the codec keeps to itself', () => {
  test.each(CONDITIONS)('%s: HTTP/1.1, HTTP/2 and explain agree', async (_, condition, meets, misses) => {
    const [met, missed] = [await openUpstream(refusal('met')), await openUpstream(refusal('missed'))];
    const rules = [{ port: missed.port }, { port: met.port, match: { headers: [condition] } }];
    const { port } = await openRoutes(rules);
    const session = openSession(port);
    for (const [asked, outcome, index] of [
      [meets, 'met', 1],
      [misses, 'missed', 0],
    ] as const) {
      const { method = 'GET', host = 'a.example', h1 = [], h2 = {}, body } = asked;
      const lines = [`Host: ${host}`, ...h1];
      const answer = await (await openClient(port)).ask(`${method} / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body ?? ''}`);
      expect(answer.body).toBe(outcome);
      const stream = h2[':protocol'] !== undefined || body ? Buffer.from(body ?? '') : undefined;
      expect((await request(session, { ':method': method, ':authority': host, ...h2 }, stream)).body.toString()).toBe(outcome);
      expect(explainedRule(routeObjects(rules), 'http://a.example/', method, lines)).toBe(index);
    }
  });

  test('of a GRPCRoute applies to calls', async () => {
    const server = await EchoServer.start();
    closeLater(() => server.close());
    const call = async (value: string): Promise<number> => {
      const { port } = await openRoutes(
        [{ port: server.port, match: { headers: [{ name: 'TE', value }, expression('Host', value === 'trailers' ? '.*:[0-9]+' : 'x')] } }],
        'GRPCRoute',
      );
      const client = new EchoClient(port);
      closeLater(() => client.close());
      return (await client.call(UNARY, [Buffer.from('x')])).code;
    };
    expect(await call('trailers')).toBe(grpc.OK);
    expect(await call('gzip')).toBe(grpc.UNIMPLEMENTED);
  });

  test('on a connection-specific header matches no request, and its route reports that', async () => {
    const upstream = await openUpstream();
    const { port } = await openRoutes([
      { port: upstream.port },
      { port: upstream.port, path: '/a', match: { headers: [{ name: 'Connection', value: 'upgrade' }] } },
    ]);
    expect(status(await (await openClient(port)).ask(get('/a', 'Connection: upgrade\r\n')))).toBe(200);
  });
});
