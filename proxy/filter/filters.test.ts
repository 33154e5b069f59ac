// Every filter over real sockets: the bytes that the backend and the client receive.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { closeAfterEach, get, openChain, openClient, openProxy, openUpstream, post } from '../../test/support/fixture.ts';
import { header, status } from '../../test/support/message.ts';
import { backend, cluster, listener, pathMatch, route } from '../../test/support/proxy.ts';
import { ok } from '../../test/support/raw-upstream.ts';
import type { RawUpstream } from '../../test/support/raw-upstream.ts';
import { until } from '../../test/support/until.ts';

closeAfterEach();

type Headers = Partial<ir.HeaderModification>;
const onRequest = (headers: Headers): ir.Filter => ({
  type: 'RequestHeaderModifier',
  headers: { set: [], add: [], remove: [], ...headers },
});
const onAnswer = (headers: Headers): ir.Filter => ({
  type: 'ResponseHeaderModifier',
  headers: { set: [], add: [], remove: [], ...headers },
});
const value = (name: string, text: string): ir.HeaderValue => ({ name, value: text });

/** Values of all headers with this name in the last request to the backend. */
function sent(upstream: RawUpstream, name: string): string[] {
  return (upstream.requests.at(-1)?.headers ?? []).filter(([key]) => key === name).map(([, text]) => text);
}

describe('header modifiers', () => {
  test('set replaces all, add appends, remove deletes, in upper and lower case', async () => {
    const filters = [onRequest({ set: [value('x-set', 'new')], add: [value('x-add', 'more')], remove: ['x-remove', 'x-absent'] })];
    const { client, upstream } = await openChain(ok(), { filters });
    await client.ask(get('/', 'X-Set: a\r\nX-SET: b\r\nX-Add: c\r\nx-remove: d\r\nX-Remove: e\r\nX: f\r\n'));
    const names = ['x-set', 'x-add', 'x-remove', 'x'];
    expect(names.map((name) => sent(upstream, name))).toEqual([['new'], ['c', 'more'], [], ['f']]);
  });

  test('answers of backends and of the proxy itself are changed in the same way', async () => {
    const filters = [onAnswer({ set: [value('server', 'weir')], add: [value('x-add', 'more')], remove: ['x-remove'] })];
    const { client } = await openChain(ok('', 'Server: app\r\nX-Remove: a\r\nX-Add: b\r\n'), { filters });
    const names = ['server', 'x-remove', 'x-add'];
    expect((await client.ask(get())).headers.filter(([name]) => names.includes(name))).toEqual([
      ['server', 'weir'],
      ['x-add', 'b'],
      ['x-add', 'more'],
    ]);
    const nowhere = await openChain(ok(), { filters, backends: [backend('empty')] });
    expect(header(await nowhere.client.ask(get()), 'server')).toBe('weir');
  });

  test('modifiers of the chosen backend come after those of the rule', async () => {
    const backends = [backend('app', 1, [onRequest({ set: [value('x', 'backend')] }), onAnswer({ set: [value('y', 'backend')] })])];
    const filters = [onRequest({ set: [value('x', 'rule')] }), onAnswer({ set: [value('y', 'rule')] })];
    const { client, upstream } = await openChain(ok(), { filters, backends });
    const answer = await client.ask(get());
    expect([sent(upstream, 'x'), header(answer, 'y')]).toEqual([['backend'], 'rule']);
  });

  const protectedNames = ['content-length', 'transfer-encoding', 'connection', 'upgrade', 'te', 'trailer', 'keep-alive', 'http2-settings'];
  test.each(protectedNames)('%s belongs to the connection and cannot be changed by any controller', async (name) => {
    const modification = { set: [value(name, 'evil')], add: [value(name, 'evil')], remove: [name] };
    const { client, upstream } = await openChain(ok('hello'), { filters: [onRequest(modification), onAnswer(modification)] });
    const answer = await client.ask(post('body'));
    expect([answer.body, upstream.requests[0]?.body]).toEqual(['hello', 'body']);
    expect(`${upstream.requests[0]?.raw}${answer.raw}`).not.toContain('evil');
  });

  test('Host is the value of the modifier, once, and never an invalid host', async () => {
    const edits = { add: [value('host', 'added')], remove: ['host'] };
    const { client, upstream } = await openChain(ok(), { filters: [onRequest({ set: [value('host', 'App.internal:8080')], ...edits })] });
    await client.ask(get());
    expect([sent(upstream, 'host'), sent(upstream, 'x-forwarded-host')]).toEqual([['App.internal:8080'], ['a']]);
    const hostile = await openChain(ok(), { filters: [onRequest({ set: [value('host', 'b\r\nx: y'), value('host', 'c/d')] })] });
    await hostile.client.ask(get());
    expect([sent(hostile.upstream, 'host'), sent(hostile.upstream, 'x')]).toEqual([['a'], []]);
  });

  test('answers have neither Host nor Expect', async () => {
    const { client } = await openChain(ok(), { filters: [onAnswer({ set: [value('host', 'evil'), value('expect', 'evil')] })] });
    expect((await client.ask(get())).raw).not.toContain('evil');
  });

  test('a rewrite of the host follows a modifier of the same list, and one of the backend follows both', async () => {
    const filters: ir.Filter[] = [
      { type: 'URLRewrite', hostname: 'rewritten', path: null },
      onRequest({ set: [value('host', 'modified')] }),
    ];
    const rule = await openChain(ok(), { filters });
    await rule.client.ask(get());
    const backends = [backend('app', 1, [onRequest({ set: [value('host', 'of-backend')] })])];
    const both = await openChain(ok(), { filters, backends });
    await both.client.ask(get());
    expect([sent(rule.upstream, 'host'), sent(both.upstream, 'host')]).toEqual([['rewritten'], ['of-backend']]);
  });

  test('without its Expect a request continues at once: the proxy itself sends the 100', async () => {
    const { client, upstream } = await openChain(ok('hello'), { filters: [onRequest({ remove: ['expect'] })] });
    client.write(post('body', '/', 'Expect: 100-continue\r\n').slice(0, -4));
    expect((await client.answer()).startLine).toBe('HTTP/1.1 100 Continue');
    client.write('body');
    expect((await client.answer()).body).toBe('hello');
    expect([sent(upstream, 'expect'), upstream.requests[0]?.body]).toEqual([[], 'body']);
  });

  test('the owner of a route can change the headers about the client', async () => {
    const { client, upstream } = await openChain(ok(), {
      filters: [onRequest({ set: [value('x-forwarded-proto', 'https')], remove: ['x-forwarded-for'] })],
    });
    await client.ask(get());
    expect([sent(upstream, 'x-forwarded-proto'), sent(upstream, 'x-forwarded-for')]).toEqual([['https'], []]);
  });

  const hostile: readonly (readonly [string, string, string])[] = [
    ['line breaks', 'a\r\nSet-Cookie: b\r\n\r\nbody', 'a  Set-Cookie: b    body'],
    ['characters whose low byte is a line break', '\u010d\u010aX: y', '\xc4\x8d\xc4\x8aX: y'],
    ['NUL and DEL', 'a\0b\x7f', 'a b'],
    ['text beyond Latin 1, sent as UTF-8', 'Grüße 日', 'Gr\xc3\xbc\xc3\x9fe \xe6\x97\xa5'],
    ['blanks at its ends', '  a\t', 'a'],
  ];
  test.each(hostile)('a value with %s cannot leave its header', async (_, text, expected) => {
    const filters = [onRequest({ set: [value('x-text', text)] }), onAnswer({ add: [value('x-text', text)] })];
    const { client, upstream } = await openChain(ok(), { filters });
    const answer = await client.ask(get());
    expect([sent(upstream, 'x-text'), header(answer, 'x-text')]).toEqual([[expected], expected]);
    expect(answer.headers.map(([name]) => name)).toEqual(['date', 'x-text', 'content-length']);
  });

  test('an invalid name is omitted', async () => {
    const { client, upstream } = await openChain(ok(), {
      filters: [onRequest({ set: [value('x: y\r\nz', 'a'), value('x y', 'b'), value('', 'c')] })],
    });
    await client.ask(get());
    expect(upstream.requests[0]?.headers.map(([name]) => name)).toEqual([
      'host',
      'x-forwarded-for',
      'x-forwarded-proto',
      'x-forwarded-host',
    ]);
  });
});

function redirect(fields: Partial<ir.RequestRedirect>): ir.Filter {
  return { type: 'RequestRedirect', scheme: null, hostname: null, path: null, port: null, statusCode: 302, ...fields };
}
const full = (path: string): ir.PathModifier => ({ type: 'ReplaceFullPath', value: path });
const prefix = (path: string): ir.PathModifier => ({ type: 'ReplacePrefixMatch', value: path });

describe('redirects', () => {
  const cases: readonly (readonly [string, Partial<ir.RequestRedirect>, string, string, number?])[] = [
    ['nothing changed', {}, '/a?b=c', 'http://a/a?b=c'],
    ['a scheme, whose port is left out', { scheme: 'https' }, '/a', 'https://a/a'],
    ['a scheme and a port', { scheme: 'https', port: 8_443 }, '/a', 'https://a:8443/a'],
    ['a scheme and its own port', { scheme: 'https', port: 443 }, '/a', 'https://a/a'],
    ['a port', { port: 81 }, '/a', 'http://a:81/a'],
    ['the port of http', { port: 80 }, '/a', 'http://a/a', 8_080],
    ['the listener has another port', {}, '/a', 'http://a:8080/a', 8_080],
    ['the listener has another port and a scheme is given', { scheme: 'https' }, '/a', 'https://a/a', 8_080],
    ['http is given on a listener of another port', { scheme: 'http' }, '/a', 'http://a/a', 8_080],
    ['a host', { hostname: 'example.org' }, '/a', 'http://example.org/a'],
    ['a whole path', { path: full('/new') }, '/a/b?c', 'http://a/new?c'],
    ['a whole path without a slash', { path: full('.evil.example/') }, '/a', 'http://a/.evil.example/'],
    ['a whole path that is empty', { path: full('') }, '/a', 'http://a/'],
    ['a whole path with //', { path: full('//evil.example') }, '/a', 'http://a/evil.example'],
    ['a whole path with spaces and line breaks', { path: full('/a b\r\nSet-Cookie: c') }, '/a', 'http://a/a%20b%0D%0ASet-Cookie:%20c'],
    ['a whole path beyond ASCII', { path: full('/日') }, '/a', 'http://a/%E6%97%A5'],
    ['a request path with //', {}, '//evil.example/x', 'http://a/evil.example/x'],
    ['a host with a line break', { hostname: 'b\r\nSet-Cookie: c' }, '/a', 'http://b%0D%0ASet-Cookie:%20c/a'],
  ];
  test.each(cases.map(([what, fields, target, location, port = 80]) => ({ what, fields, target, location, port })))(
    '$what',
    async ({ fields, target, location, port }) => {
      const proxy = await openProxy([listener({ port }), route({ filters: [redirect(fields)] })]);
      const answer = await (await openClient(proxy.worker.boundPort(port) as number)).ask(get(target));
      expect([status(answer), header(answer, 'location'), answer.headers.length]).toEqual([302, location, 3]);
    },
  );

  test.each([301, 302, 303, 307, 308] as const)('status %d', async (statusCode) => {
    const { client, upstream } = await openChain(ok(), { filters: [redirect({ statusCode, scheme: 'https' })] });
    expect(status(await client.ask(post('body')))).toBe(statusCode);
    expect(status(await client.ask(get()))).toBe(statusCode);
    expect(upstream.connections).toEqual([]);
  });

  test('the port in the request is dropped, and an IPv6 literal keeps its brackets', async () => {
    const { client } = await openChain(ok(), { filters: [redirect({ scheme: 'https' })] });
    const hosts = ['a:8080', '[::1]:8080', '[::1]'];
    const locations = [];
    for (const host of hosts) locations.push(header(await client.ask(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), 'location'));
    expect(locations).toEqual(['https://a/', 'https://[::1]/', 'https://[::1]/']);
  });

  test('a request without a host gets a Location without one', async () => {
    const { client } = await openChain(ok(), { filters: [redirect({})] });
    expect(header(await client.ask('GET /a HTTP/1.0\r\n\r\n'), 'location')).toBe('/a');
  });

  test('a request without a host cannot name one by its path', async () => {
    const { client } = await openChain(ok(), { filters: [redirect({})] });
    expect(header(await client.ask('GET //evil.example/x HTTP/1.0\r\n\r\n'), 'location')).toBe('/evil.example/x');
  });

  test('OPTIONS * has no path to redirect', async () => {
    const { client } = await openChain(ok(), { matches: [pathMatch('RegularExpression', '.*')], filters: [redirect({})] });
    expect(header(await client.ask('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'), 'location')).toBe('http://a/');
  });
});

/** The table of the Gateway API, and more: matched prefix, replacement, request, result. */
const PREFIXES: readonly (readonly [matched: string, replacement: string, path: string, outcome: string])[] = [
  ['/foo', '/xyz', '/foo/bar', '/xyz/bar'],
  ['/foo', '/xyz/', '/foo/bar', '/xyz/bar'],
  ['/foo/', '/xyz', '/foo/bar', '/xyz/bar'],
  ['/foo/', '/xyz/', '/foo/bar', '/xyz/bar'],
  ['/foo', '/xyz', '/foo', '/xyz'],
  ['/foo', '/xyz', '/foo/', '/xyz/'],
  ['/foo', '/xyz/', '/foo', '/xyz/'],
  ['/foo', '/xyz/', '/foo/', '/xyz/'],
  ['/foo', '', '/foo/bar', '/bar'],
  ['/foo', '', '/foo/', '/'],
  ['/foo', '', '/foo', '/'],
  ['/foo', '/', '/foo/bar', '/bar'],
  ['/foo', '/', '/foo/', '/'],
  ['/foo', '/', '/foo', '/'],
  ['/', '/xyz', '/', '/xyz/'],
  ['/', '/xyz', '/bar', '/xyz/bar'],
  ['/foo', '/', '/foo//evil.example', '/evil.example'],
  ['/foo', '//evil.example', '/foo', '/evil.example'],
  ['/foo', '.evil.example', '/foo/bar', '/.evil.example/bar'],
  ['/foo', '/a?b', '/foo/c', '/a%3Fb/c'],
  ['/caf%c3%a9', '/b%c3%a4r%7e', '/caf%C3%a9/c', '/b%C3%A4r~/c'],
  ['/foo', '/bär', '/foo/c', '/b%C3%A4r/c'],
  ['/foo', '/a/../b/.', '/foo', '/b/'],
];

describe('ReplacePrefixMatch', () => {
  test.each(PREFIXES)('%s by "%s": %s becomes %s, in a rewrite and in a redirect', async (matched, replacement, path, outcome) => {
    const matches = [pathMatch('PathPrefix', matched)];
    const upstream = await openUpstream();
    const rewriting = route({ matches, filters: [{ type: 'URLRewrite', hostname: null, path: prefix(replacement) }] });
    const proxy = await openProxy([listener(), ...cluster('app', [upstream.port]), rewriting]);
    await (await openClient(proxy.port)).ask(get(`${path}?q`));
    expect(upstream.requests[0]?.startLine).toBe(`GET ${outcome}?q HTTP/1.1`);
    const redirecting = await openChain(ok(), { matches, filters: [redirect({ path: prefix(replacement) })] });
    expect(header(await redirecting.client.ask(get(`${path}?q`)), 'location')).toBe(`http://a${outcome}?q`);
  });
});

describe('rewrites', () => {
  test('the host and the whole path', async () => {
    const { client, upstream } = await openChain(ok(), {
      filters: [{ type: 'URLRewrite', hostname: 'app.internal', path: full('/fixed') }],
    });
    await client.ask(get('/a?b'));
    const request = await upstream.request();
    expect([request.startLine, header(request, 'host'), header(request, 'x-forwarded-host')]).toEqual([
      'GET /fixed?b HTTP/1.1',
      'app.internal',
      'a',
    ]);
  });

  test('text of a user cannot become a second request', async () => {
    const path = full('/a HTTP/1.1\r\nHost: b\r\n\r\nGET /admin');
    const { client, upstream } = await openChain(ok(), { filters: [{ type: 'URLRewrite', hostname: 'c\r\nX: y', path }] });
    await client.ask(get());
    expect(upstream.requests.map(({ startLine }) => startLine)).toEqual([
      'GET /a%20HTTP/1.1%0D%0AHost:%20b%0D%0A%0D%0AGET%20/admin HTTP/1.1',
    ]);
    expect(sent(upstream, 'x')).toEqual([]);
  });
});

function cors(fields: Partial<ir.Cors> = {}): ir.Filter {
  const lists = { allowMethods: ['GET', 'PUT'], allowHeaders: ['x-a', 'x-b'], exposeHeaders: ['x-c'] };
  return {
    type: 'CORS',
    allowOrigins: ['https://a.example', 'https://*.b.example'],
    ...lists,
    allowCredentials: false,
    maxAge: 5,
    ...fields,
  };
}
const PREFLIGHT = 'Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-a\r\n';
const preflight = (origin: string): string => `OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: ${origin}\r\n${PREFLIGHT}\r\n`;

describe('CORS', () => {
  const plain = (headers: readonly (readonly [string, string])[]): object =>
    Object.fromEntries(headers.filter(([name]) => name.startsWith('access-control-') || name === 'vary'));

  test('a preflight is answered without the backend', async () => {
    const { client, upstream } = await openChain(ok(), { filters: [cors()] });
    const answer = await client.ask(preflight('https://a.example'));
    expect(status(answer)).toBe(204);
    expect(plain(answer.headers)).toEqual({
      'access-control-allow-origin': 'https://a.example',
      'access-control-allow-methods': 'GET, PUT',
      'access-control-allow-headers': 'x-a, x-b',
      'access-control-expose-headers': 'x-c',
      'access-control-max-age': '5',
      vary: 'origin',
    });
    expect(upstream.connections).toEqual([]);
  });

  const origins: readonly (readonly [string, boolean])[] = [
    ['https://x.b.example', true],
    ['https://x.y.b.example', true],
    ['https://b.example', false],
    ['https://xb.example', false],
    ['https://evil/.b.example', false],
    ['https://evil#.b.example', false],
    ['https://evil:1.b.example', false],
    ['http://x.b.example', false],
    ['https://a.example:8443', false],
    ['https://a.example.evil', false],
    ['null', false],
  ];
  test.each(origins)('origin %s: %s', async (origin, allowed) => {
    const { client } = await openChain(ok(), { filters: [cors()] });
    const answers = [await client.ask(preflight(origin)), await client.ask(get('/', `Origin: ${origin}\r\n`))];
    for (const answer of answers) expect(header(answer, 'access-control-allow-origin')).toBe(allowed ? origin : undefined);
  });

  test.each([
    ['https://c.example:443', 'https://c.example', true],
    ['https://c.example', 'https://c.example:443', true],
    ['http://c.example:80', 'http://C.example', true],
    ['https://*.c.example:443', 'https://x.c.example', true],
    ['https://c.example:80', 'https://c.example', false],
    ['http://c.example', 'http://c.example:443', false],
  ])('allowed %s, origin %s: %s', async (allowed, origin, same) => {
    const { client } = await openChain(ok(), { filters: [cors({ allowOrigins: [allowed] })] });
    const answer = await client.ask(get('/', `Origin: ${origin}\r\n`));
    expect(header(answer, 'access-control-allow-origin')).toBe(same ? origin : undefined);
  });

  test('the CORS headers of the backend are replaced, and Vary informs caches', async () => {
    const own = 'Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n';
    const { client } = await openChain(ok('', own), { filters: [cors()] });
    expect(plain((await client.ask(get('/', 'Origin: https://evil.example\r\n'))).headers)).toEqual({ vary: 'origin' });
    expect(plain((await client.ask(get('/', 'Origin: https://a.example\r\n'))).headers)).toEqual({
      'access-control-allow-origin': 'https://a.example',
      'access-control-expose-headers': 'x-c',
      vary: 'origin',
    });
    expect(header(await client.ask(get()), 'vary')).toBe('origin');
  });

  test('* without credentials is the same for all; with credentials the answer names the origin', async () => {
    const open = await openChain(ok(), { filters: [cors({ allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'] })] });
    expect(plain((await open.client.ask(preflight('https://x'))).headers)).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': '*',
      'access-control-allow-headers': '*',
      'access-control-expose-headers': 'x-c',
      'access-control-max-age': '5',
    });
    const fields = { allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'], allowCredentials: true };
    const credentials = await openChain(ok(), { filters: [cors(fields)] });
    expect(plain((await credentials.client.ask(preflight('https://x'))).headers)).toEqual({
      'access-control-allow-origin': 'https://x',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'PUT',
      'access-control-allow-headers': 'x-a',
      'access-control-expose-headers': 'x-c',
      'access-control-max-age': '5',
      vary: 'origin',
    });
  });

  test('an OPTIONS that is no preflight reaches the backend and gets the same headers', async () => {
    const { client, upstream } = await openChain(ok(), { filters: [cors()] });
    const answer = await client.ask('OPTIONS / HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\n\r\n');
    expect([header(answer, 'access-control-allow-origin'), upstream.requests.length]).toEqual(['https://a.example', 1]);
  });

  test('the page can read errors of the proxy', async () => {
    const { client } = await openChain(ok(), { filters: [cors()], backends: [backend('empty')] });
    const answer = await client.ask(get('/', 'Origin: https://a.example\r\n'));
    expect([status(answer), header(answer, 'access-control-allow-origin')]).toEqual([503, 'https://a.example']);
  });
});

describe('mirrors', () => {
  const mirror = (numerator = 1, denominator = 1): ir.Filter => {
    return { type: 'RequestMirror', cluster: 'Service/default/mirror/80', numerator, denominator };
  };

  async function mirrored(
    filters: ir.Filter[],
    behaviour: Parameters<typeof openUpstream>[0] = ok('mirror'),
    limits: Parameters<typeof openProxy>[1] = {},
  ): Promise<{
    readonly upstream: RawUpstream;
    readonly copies: RawUpstream;
    readonly client: Awaited<ReturnType<typeof openClient>>;
  }> {
    const [upstream, copies] = [await openUpstream(ok('original')), await openUpstream(behaviour)];
    const resources = [listener(), ...cluster('app', [upstream.port]), ...cluster('mirror', [copies.port]), route({ filters })];
    return { upstream, copies, client: await openClient((await openProxy(resources, limits)).port) };
  }

  test('a copy has the body, and the client gets the answer to the original', async () => {
    const { client, upstream, copies } = await mirrored([mirror()]);
    expect((await client.ask(post('hello', '/a?b', 'X: y\r\n'))).body).toBe('original');
    expect((await copies.request()).raw).toBe((await upstream.request()).raw);
    client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n');
    expect((await client.answer()).body).toBe('original');
    expect((await copies.request(2)).body).toBe('hello');
  });

  test('a mirror that never answers, or dies, does not affect the original', async () => {
    const { client, copies } = await mirrored([mirror()], () => null);
    for (let i = 0; i < 3; i++) expect((await client.ask(get())).body).toBe('original');
    await copies.request(3);
    copies.become((_, { socket }) => (socket.resetAndDestroy(), null));
    for (let i = 0; i < 3; i++) expect((await client.ask(get())).body).toBe('original');
  });

  test('copies above the limit are dropped, and finished copies free their places', async () => {
    const { client, copies } = await mirrored([mirror()], () => null);
    for (let i = 0; i < 300; i++) await client.ask(get());
    await until(() => copies.requests.length === 256, 'all copies there may be');
    for (const { socket } of copies.connections) socket.destroy();
    copies.become(ok());
    await until(() => copies.open === 0, 'the end of them');
    await client.ask(get());
    await copies.request(257);
  });

  test('requests that end before their body leave no copy open', async () => {
    const { client, upstream, copies } = await mirrored([mirror()], ok('mirror'), { maxGatheredBytes: 0 });
    upstream.become({ data: ({ socket }) => socket.write('HTTP/1.1 413 X\r\ncontent-length: 0\r\n\r\n') });
    for (let i = 0; i < 300; i++) {
      expect(status(await client.ask(post('hello').slice(0, -1)))).toBe(413);
      client.write('o');
    }
    upstream.become(ok('original'));
    expect((await client.ask(post('hello'))).body).toBe('original');
    expect((await copies.request()).body).toBe('hello');
  });

  test('a share of the requests is copied', async () => {
    const { client, copies } = await mirrored([mirror(1, 4)]);
    for (let i = 0; i < 400; i++) await client.ask(get());
    // Binomial(400, 1/4): mean 100, six standard deviations.
    expect(Math.abs(copies.requests.length - 100)).toBeLessThan(52);
  });

  test('a share of 0 copies none', async () => {
    const { client, copies } = await mirrored([mirror(0, 100)]);
    for (let i = 0; i < 50; i++) await client.ask(get());
    expect(copies.connections).toEqual([]);
  });
});
