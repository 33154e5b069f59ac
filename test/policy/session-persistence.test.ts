// Session persistence (GEP-1619) as clients see it: two proxies with the same keys, attacks on tokens, endpoints that come and go.
import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type * as ir from '#api/ir/ir.ts';
import { EchoClient, EchoServer, UNARY } from '../grpc/echo.ts';
import { secretOf, TestCa } from '../support/certificates.ts';
import { closeAfterEach, closeLater, get, openClient, openProxy, openUpstream } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { backend, cluster, listener, pathMatch, route } from '../support/proxy.ts';
import type { Proxy } from '../support/proxy.ts';
import { ok } from '../support/raw-upstream.ts';
import type { RawUpstream } from '../support/raw-upstream.ts';

closeAfterEach();

const KEY = randomBytes(32).toString('base64');
const SESSIONS: ir.SessionPersistence = { type: 'Cookie', name: 'sid', permanent: false, absoluteTimeout: 0, idleTimeout: 0 };
const HEADER: ir.SessionPersistence = { ...SESSIONS, type: 'Header', name: 'X-Session' };
const TOKEN = /^[A-Za-z0-9_-]{87}$/;

function keys(...texts: readonly string[]): ir.Resource {
  return { kind: 'SessionKeys', key: 'sessions', keys: [...texts] };
}

/** The endpoints of a cluster. */
function endpoints(upstreams: readonly { readonly port: number; readonly draining?: boolean }[], name = 'app'): ir.Resource {
  const all = upstreams.map(({ port, draining = false }) => ({ address: '127.0.0.1', port, draining }));
  return { kind: 'Endpoints', key: `Service/default/${name}/80`, endpoints: all };
}

/** Backends that answer with their index. */
function openUpstreams(count: number, name = ''): Promise<RawUpstream[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => openUpstream(ok(`${name}${i}`))));
}

function openKeeping(upstreams: readonly RawUpstream[], sessions = SESSIONS, fields: Partial<ir.Route> = {}): Promise<Proxy> {
  const [resource] = cluster('app', []);
  return openProxy([keys(KEY), resource!, endpoints(upstreams), listener(), route({ sessionPersistence: sessions, ...fields })]);
}

interface Answer {
  readonly body: string;
  /** The whole Set-Cookie header; '' without one. */
  readonly cookie: string;
  /** The token in the answer; '' without one. */
  readonly token: string;
}

/** One request with these header lines. */
async function ask({ port }: Pick<Proxy, 'port'>, lines = '', path = '/'): Promise<Answer> {
  const client = await openClient(port);
  const { body, headers } = await client.ask(get(path, lines));
  const valueOf = (name: string): string => headers.find(([each]) => each.toLowerCase() === name)?.[1] ?? '';
  const cookie = valueOf('set-cookie');
  return { body, cookie, token: /^[^=]+=([^;]*)/.exec(cookie)?.[1] ?? valueOf('x-session') };
}

/** The bodies and tokens of several requests in a session. */
async function askOften(proxy: Pick<Proxy, 'port'>, lines: string, count = 12): Promise<{ bodies: Set<string>; tokens: string[] }> {
  const answers: Answer[] = [];
  for (let i = 0; i < count; i++) answers.push(await ask(proxy, lines));
  return { bodies: new Set(answers.map(({ body }) => body)), tokens: answers.map(({ token }) => token).filter((token) => token !== '') };
}

function cookieOf(token: string): string {
  return `cookie: a=1; sid=${token}\r\n`;
}

describe('a token that no proxy of the fleet made for this session is ignored', () => {
  const bytesOf = (token: string): Buffer => Buffer.from(token, 'base64url');
  const changed = (token: string, at: number): string => {
    const bytes = bytesOf(token);
    bytes[at] = (bytes[at] as number) ^ 1;
    return bytes.toString('base64url');
  };
  test.each<readonly [string, (token: string) => string]>([
    ['empty', () => ''],
    ['random', () => randomBytes(65).toString('base64url')],
    ['of another version', (token) => changed(token, 0)],
    ['with another beginning', (token) => changed(token, 4)],
    ['with another backend', (token) => changed(token, 14)],
    ['with another endpoint', (token) => changed(token, 22)],
    ['with another signature', (token) => changed(token, 64)],
    ['without its signature', (token) => bytesOf(token).subarray(0, 33).toString('base64url')],
    ['truncated', (token) => token.slice(0, -1)],
    ['with more behind it', (token) => `${token}A`],
    ['huge', () => 'A'.repeat(8_000)],
    ['with characters that base64url lacks', (token) => `${token.slice(0, -2)}"\u00e9`],
  ])('%s', async (_, forge) => {
    const proxy = await openKeeping(await openUpstreams(1));
    const { token } = await ask(proxy);
    expect(token).toMatch(TOKEN);
    expect((await ask(proxy, cookieOf(token))).token).toBe('');
    const answer = await ask(proxy, cookieOf(forge(token)));
    expect(answer.body).toBe('0');
    expect(answer.token).toMatch(TOKEN);
  });

  test('of a fleet with another key', async () => {
    const upstreams = await openUpstreams(1);
    const { token } = await ask(await openKeeping(upstreams));
    const other = await openKeeping(upstreams);
    await other.worker.apply([keys(randomBytes(32).toString('base64'))], []);
    expect((await ask(other, cookieOf(token))).token).toMatch(TOKEN);
  });

  test('of another rule, backend, or kind of session', async () => {
    const upstreams = await openUpstreams(1);
    const rule = (name: string, sessions: ir.SessionPersistence, to: string): ir.Route =>
      route({ name, matches: [pathMatch('PathPrefix', `/${name}`)], sessionPersistence: sessions, backends: [backend(to)] });
    const proxy = await openProxy([
      ...[keys(KEY), ...cluster('app', [upstreams[0]!.port]), ...cluster('other', [upstreams[0]!.port]), listener()],
      ...[rule('a', SESSIONS, 'app'), rule('b', SESSIONS, 'app'), rule('c', SESSIONS, 'other'), rule('d', HEADER, 'app')],
    ]);
    const { token } = await ask(proxy, '', '/a');
    expect((await ask(proxy, cookieOf(token), '/a')).token).toBe('');
    expect((await ask(proxy, cookieOf(token), '/b')).token).toMatch(TOKEN);
    expect((await ask(proxy, cookieOf(token), '/c')).token).toMatch(TOKEN);
    expect((await ask(proxy, `x-session: ${token}\r\n`, '/d')).token).toMatch(TOKEN);
  });

  test('of a backend that the rule has no more', async () => {
    const proxy = await openKeeping(await openUpstreams(1));
    const { token } = await ask(proxy);
    const others = await openUpstreams(1, 'other');
    const replaced = route({ sessionPersistence: SESSIONS, backends: [backend('other')] });
    await proxy.worker.apply([...cluster('other', [others[0]!.port]), replaced], []);
    const answer = await ask(proxy, cookieOf(token));
    expect([answer.body, answer.token]).toEqual(['other0', expect.stringMatching(TOKEN)]);
  });

  test.each([
    ['absoluteTimeout', { absoluteTimeout: 1 }],
    ['idleTimeout', { idleTimeout: 1 }],
  ])('after its %s', async (_, limit) => {
    const proxy = await openKeeping(await openUpstreams(1), { ...SESSIONS, ...limit });
    const { token } = await ask(proxy);
    const before = Date.now();
    while (Date.now() <= before) await ask(proxy, '');
    expect((await ask(proxy, cookieOf(token))).token).toMatch(TOKEN);
  });
});

describe('a session', () => {
  test('has no address of its endpoint in its token', async () => {
    const [upstream] = await openUpstreams(1);
    const { token } = await ask(await openKeeping([upstream!]));
    const bytes = Buffer.from(token, 'base64url').toString('latin1');
    expect(bytes).not.toContain('127.0.0.1');
    expect(bytes).not.toContain(String(upstream!.port));
    expect(bytes).not.toContain(Buffer.from([127, 0, 0, 1]).toString('latin1'));
  });

  test('stays at its endpoint, at every proxy with the key, and gets one token', async () => {
    const upstreams = await openUpstreams(4);
    const proxies = [await openKeeping(upstreams), await openKeeping([...upstreams].reverse())] as const;
    const { body, token } = await ask(proxies[0]);
    for (const proxy of proxies) expect(await askOften(proxy, cookieOf(token))).toEqual({ bodies: new Set([body]), tokens: [] });
    expect((await askOften(proxies[0], '')).bodies.size).toBe(4);
  });

  test('stays at its endpoint while others come and go', async () => {
    const upstreams = await openUpstreams(4);
    const proxy = await openKeeping(upstreams);
    const { body, token } = await ask(proxy);
    const own = upstreams[Number(body)]!;
    const rest = upstreams.filter((each) => each !== own);
    for (let i = 0; i < 6; i++) {
      const others = rest.filter((_, j) => j !== i % rest.length);
      await proxy.worker.apply([endpoints(i % 2 === 0 ? [own, ...others] : [...others, own])], []);
      expect((await askOften(proxy, cookieOf(token), 3)).bodies).toEqual(new Set([body]));
    }
  });

  test('continues at an endpoint that drains, which gets no new sessions', async () => {
    const upstreams = await openUpstreams(2);
    const proxy = await openKeeping(upstreams);
    const { body, token } = await ask(proxy);
    await proxy.worker.apply([endpoints(upstreams.map(({ port }, i) => ({ port, draining: i === Number(body) })))], []);
    expect(await askOften(proxy, cookieOf(token), 4)).toEqual({ bodies: new Set([body]), tokens: [] });
    expect((await askOften(proxy, '', 4)).bodies).toEqual(new Set([body === '0' ? '1' : '0']));
  });

  test('gets another endpoint and another token if its endpoint is gone', async () => {
    const upstreams = await openUpstreams(3);
    const proxy = await openKeeping(upstreams);
    const { body, token } = await ask(proxy);
    await proxy.worker.apply([endpoints(upstreams.filter((_, i) => i !== Number(body)))], []);
    const moved = await ask(proxy, cookieOf(token));
    expect(moved.body).not.toBe(body);
    expect(await askOften(proxy, cookieOf(moved.token))).toEqual({ bodies: new Set([moved.body]), tokens: [] });
  });

  test('moves to another endpoint without a failure if its endpoint refuses connections', async () => {
    const upstreams = await openUpstreams(3);
    const proxy = await openKeeping(upstreams);
    const { body, token } = await ask(proxy);
    await upstreams[Number(body)]!.close();
    const moved = await ask(proxy, cookieOf(token));
    expect(['0', '1', '2'].filter((each) => each !== body)).toContain(moved.body);
    expect(await askOften(proxy, cookieOf(moved.token))).toEqual({ bodies: new Set([moved.body]), tokens: [] });
  });

  test('survives a rotation of the keys, and gets a token of the new key', async () => {
    const proxy = await openKeeping(await openUpstreams(4));
    const { body, token } = await ask(proxy);
    const next = randomBytes(32).toString('base64');
    await proxy.worker.apply([keys(KEY, next)], []);
    expect((await askOften(proxy, cookieOf(token))).tokens).toEqual([]);
    await proxy.worker.apply([keys(next, KEY)], []);
    const renewed = await ask(proxy, cookieOf(token));
    expect([renewed.body, renewed.token]).toEqual([body, expect.stringMatching(TOKEN)]);
    await proxy.worker.apply([keys(next)], []);
    expect(await askOften(proxy, cookieOf(renewed.token))).toEqual({ bodies: new Set([body]), tokens: [] });
  });

  test('stays at its backend, whatever the weights are', async () => {
    const [old, canary] = [await openUpstreams(2, 'old'), await openUpstreams(2, 'new')];
    const weights = (ofOld: number, ofNew: number): ir.Route =>
      route({ sessionPersistence: SESSIONS, backends: [backend('old', ofOld), backend('new', ofNew)] });
    const proxy = await openProxy([
      ...[keys(KEY), ...cluster('old', []), endpoints(old, 'old'), ...cluster('new', []), endpoints(canary, 'new')],
      ...[listener(), weights(1, 0)],
    ]);
    const { body, token } = await ask(proxy);
    expect(body).toMatch(/^old/);
    await proxy.worker.apply([weights(0, 1)], []);
    expect(await askOften(proxy, cookieOf(token))).toEqual({ bodies: new Set([body]), tokens: [] });
    expect((await ask(proxy)).body).toMatch(/^new/);
  });

  test('is not kept before there is a key', async () => {
    const upstreams = await openUpstreams(1);
    const proxy = await openProxy([...cluster('app', [upstreams[0]!.port]), listener(), route({ sessionPersistence: SESSIONS })]);
    expect(await ask(proxy, cookieOf('a'))).toEqual({ body: '0', cookie: '', token: '' });
  });

  test('gets a renewed token before it is idle for too long', async () => {
    const proxy = await openKeeping(await openUpstreams(2), { ...SESSIONS, idleTimeout: 600_000 });
    const first = await ask(proxy);
    expect((await ask(proxy, cookieOf(first.token))).token).toBe('');
    const now = Date.now;
    try {
      Date.now = () => now() + 61_000;
      const renewed = await ask(proxy, cookieOf(first.token));
      expect([renewed.body, renewed.token]).toEqual([first.body, expect.stringMatching(TOKEN)]);
      Date.now = () => now() + 601_000;
      expect((await ask(proxy, cookieOf(renewed.token))).body).toBe(first.body);
    } finally {
      Date.now = now;
    }
  });
});

describe('the cookie', () => {
  test.each<readonly [string, Partial<ir.SessionPersistence>, RegExp]>([
    ['ends with the browser', {}, /^sid=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/],
    ['has a name of its rule by default', { name: '' }, /^weir-[0-9a-f]{8}=/],
    ['has an age if it is permanent', { permanent: true, absoluteTimeout: 3_600_000 }, /; Max-Age=3600; HttpOnly/],
    ['has no age without an end of the session', { permanent: true }, /^sid=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/],
  ])('%s', async (_, fields, expected) => {
    const { cookie } = await ask(await openKeeping(await openUpstreams(1), { ...SESSIONS, ...fields }));
    expect(cookie).toMatch(expected);
  });

  test.each([
    [[pathMatch('PathPrefix', '/shop')], '/shop/cart', '/shop'],
    [[pathMatch('Exact', '/login')], '/login', '/login'],
    [[pathMatch('PathPrefix', '/'), pathMatch('PathPrefix', '/a/b')], '/a/b/c', '/a/b'],
    [[pathMatch('RegularExpression', '/p1/p2/[^/]+/p3')], '/p1/p2/foo/p3', '/p1/p2'],
    [[pathMatch('RegularExpression', '/p1/a|/p2')], '/p2', '/'],
  ])('of a rule with %j is for the path of the match', async (matches, path, expected) => {
    const proxy = await openKeeping(await openUpstreams(1), SESSIONS, { matches });
    expect((await ask(proxy, '', path)).cookie).toContain(`; Path=${expected};`);
  });

  test('is secure on https, also over HTTP/2', async () => {
    const ca = await TestCa.create();
    closeLater(() => ca.remove());
    const certificate = await ca.issue('a', 'IP:127.0.0.1');
    const upstreams = await openUpstreams(3);
    const [resource] = cluster('app', []);
    const tls = { mode: 'Terminate' as const, certificates: ['default/cert'] };
    const proxy = await openProxy([
      ...[keys(KEY), secretOf('default/cert', certificate), resource!, endpoints(upstreams)],
      ...[listener({ protocol: 'HTTPS', tls }), route({ sessionPersistence: SESSIONS })],
    ]);
    const session = openSession(proxy.port, { ca: readFileSync(ca.certificate) }, true);
    const first = await request(session);
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/^sid=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    const bodies = new Set<string>();
    for (let i = 0; i < 9; i++) {
      const answer = await request(session, { cookie: cookie.slice(0, cookie.indexOf(';')) });
      expect(answer.headers['set-cookie']).toBeUndefined();
      bodies.add(String(answer.body));
    }
    expect(bodies).toEqual(new Set([String(first.body)]));
  });
});

describe('a header', () => {
  test('keeps a session', async () => {
    const proxy = await openKeeping(await openUpstreams(4), HEADER);
    const { body, token, cookie } = await ask(proxy);
    expect([cookie, token]).toEqual(['', expect.stringMatching(TOKEN)]);
    expect(await askOften(proxy, `x-session: ${token}\r\n`)).toEqual({ bodies: new Set([body]), tokens: [] });
  });

  test('keeps a session of gRPC calls', async () => {
    const servers = await Promise.all([EchoServer.start('', []), EchoServer.start('', []), EchoServer.start('', [])]);
    for (const server of servers) closeLater(() => server.close());
    const [resource] = cluster('app', []);
    const rule = route({ http2: true, sessionPersistence: { ...HEADER, name: '' } });
    const proxy = await openProxy([keys(KEY), resource!, endpoints(servers), listener(), rule]);
    const client = new EchoClient(proxy.port);
    closeLater(() => client.close());
    const first = await client.call(UNARY, [Buffer.from('a')]);
    const token = String(first.head.get('weir-session')[0]);
    expect(token).toMatch(TOKEN);
    for (let i = 0; i < 9; i++) {
      const call = await client.call(UNARY, [Buffer.from('a')], { metadata: { 'weir-session': token } });
      expect(call.head.get('weir-session')).toEqual([]);
    }
    expect(servers.map((server) => server.timeouts.length).sort((a, b) => a - b)).toEqual([0, 0, 10]);
  });
});

describe('policies', () => {
  const policy = (kind: string, name: string, target: Partial<ir.PolicyTarget>, settings: ir.Policy['settings']): ir.Policy => ({
    ...{ kind: 'Policy', key: `${kind}/default/${name}`, policyKind: kind, namespace: 'default', name, createdAt: 0, settings },
    targets: [{ kind: 'Service', namespace: 'default', name: 'app', section: '', ...target }],
  });
  const open = async (policies: readonly ir.Policy[], fields: Partial<ir.Route> = {}): Promise<Proxy> => {
    const [resource] = cluster('app', []);
    return openProxy([keys(KEY), resource!, endpoints(await openUpstreams(4)), ...policies, listener(), route(fields)]);
  };

  test.each([
    ['BackendTrafficPolicy', { loadBalancer: { sessionPersistence: { sessionName: 'sid' } } }],
    ['XBackendTrafficPolicy', { sessionPersistence: { sessionName: 'sid' } }],
  ])('of kind %s keep sessions', async (kind, settings) => {
    const proxy = await open([policy(kind, 'p', {}, settings)]);
    const { body, token } = await ask(proxy);
    expect(await askOften(proxy, cookieOf(token))).toEqual({ bodies: new Set([body]), tokens: [] });
  });

  test('keep no sessions with the type None', async () => {
    const gateway = { kind: 'Gateway', name: 'gateway' };
    const of = (sessionPersistence: object): ir.Policy['settings'] => ({ loadBalancer: { sessionPersistence } });
    const edge = policy('BackendTrafficPolicy', 'edge', gateway, of({ type: 'Cookie' }));
    expect((await ask(await open([edge]))).cookie).toMatch(/^weir-/);
    expect((await ask(await open([edge, policy('BackendTrafficPolicy', 'own', {}, of({ type: 'None' }))]))).cookie).toBe('');
  });

  test('lose to the rule as a whole', async () => {
    const own = policy('BackendTrafficPolicy', 'p', {}, { loadBalancer: { sessionPersistence: { type: 'Header', absoluteTimeout: 1 } } });
    const proxy = await open([own], { sessionPersistence: SESSIONS });
    expect((await ask(proxy)).cookie).toMatch(/^sid=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/);
  });
});
