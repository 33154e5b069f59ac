// Attacks on the server of the admin API: each is refused before an operation runs, with a problem, and leaves no trace of secrets.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Type } from '#lib/typebox.ts';
import { ok } from '#lib/result.ts';
import { healthArea } from '../../admin/api/health.ts';
import { SERVER_LIMITS } from '../../admin/api/limits.ts';
import { adminOperation, reply, stream, type Area, type OperationContext } from '../../admin/api/operation.ts';
import { changedMeanwhile, notFound } from '../../admin/api/problem.ts';
import { sendRaw, SESSION_COOKIE, startAdminApi, type TestApi } from '../support/admin-server.ts';

const NAME = Type.String({ pattern: '^[a-z0-9-]{1,63}$', '~must': 'a name of letters, digits and -' });
const USER = Type.Object({ name: NAME, roles: Type.Optional(Type.Array(Type.String())) }, { additionalProperties: false });
const PARAMS = Type.Object({ namespace: NAME, user: NAME }, { additionalProperties: false });

interface Kept {
  readonly name: string;
  readonly roles: readonly string[];
  readonly passwordHash: string;
  readonly version: number;
}

const kept = new Map<string, Kept>();
let ran: { readonly input: unknown; readonly context: OperationContext }[] = [];

const read = adminOperation({
  id: 'users.get',
  method: 'GET',
  path: '/namespaces/{namespace}/users/{user}',
  tag: 'users',
  summary: 'Read a user',
  permission: 'users:read',
  namespaceOf: ({ params }) => params.namespace,
  params: PARAMS,
  answer: USER,
  example: { params: { namespace: 'shop', user: 'ana' }, unknown: { namespace: 'shop', user: 'nobody' }, answer: { name: 'ana' } },
  run(input, context) {
    ran.push({ input, context });
    const user = kept.get(input.params.user);
    return Promise.resolve(
      user === undefined ? notFound('user', input.params.user) : reply(user as object as { name: string }, { etag: String(user.version) }),
    );
  },
});

const write = adminOperation({
  id: 'users.update',
  method: 'PUT',
  path: '/namespaces/{namespace}/users/{user}',
  tag: 'users',
  summary: 'Replace a user',
  permission: 'users:write',
  namespaceOf: ({ params }) => params.namespace,
  params: PARAMS,
  body: USER,
  precondition: 'required',
  answer: USER,
  example: {
    params: { namespace: 'shop', user: 'ana' },
    unknown: { namespace: 'shop', user: 'nobody' },
    body: { name: 'ana' },
    answer: { name: 'ana' },
  },
  run({ params, body, ifMatch }, context) {
    ran.push({ input: body, context });
    const before = kept.get(params.user);
    if (before === undefined) return Promise.resolve(notFound('user', params.user));
    if (ifMatch !== null && ifMatch !== String(before.version))
      return Promise.resolve(changedMeanwhile('user', params.user, String(before.version)));
    const after = { ...before, ...body, roles: body.roles ?? [], version: before.version + 1 };
    kept.set(params.user, after);
    context.changed({ object: `user/${params.user}`, before: { roles: before.roles }, after: { roles: after.roles } });
    return Promise.resolve(reply(body, { etag: String(after.version) }));
  },
});

const events = adminOperation({
  id: 'events.follow',
  method: 'GET',
  path: '/events',
  tag: 'events',
  summary: 'Follow events',
  permission: 'traffic:read',
  streams: 'text/event-stream',
  answer: Type.Object({}),
  example: {},
  run: (_, { signal }) => Promise.resolve(stream(endless(signal))),
});

const login = adminOperation({
  id: 'sessions.create',
  method: 'POST',
  path: '/login',
  tag: 'sessions',
  summary: 'Log in',
  permission: null,
  body: Type.Object({ password: Type.String({ maxLength: 64 }) }, { additionalProperties: false }),
  status: 204,
  answer: Type.Unsafe<undefined>({}),
  example: { body: { password: 'secret' } },
  run: () =>
    Promise.resolve(ok({ body: undefined, cookies: [{ name: SESSION_COOKIE, value: 's-1', maxAge: 60, sameSite: 'Strict' as const }] })),
});

const broken = adminOperation({
  id: 'broken.run',
  method: 'POST',
  path: '/broken',
  tag: 'users',
  summary: 'Fail',
  permission: 'users:write',
  answer: USER,
  example: {},
  run(_, context) {
    context.changed({ object: 'user/half', before: null, after: { name: 'half' } });
    throw new Error('a bug');
  },
});

async function* endless(signal: AbortSignal): AsyncGenerator<string> {
  try {
    for (let count = 0; !signal.aborted; count++) yield `data: ${count} ${'x'.repeat(60_000)}\n\n`;
  } finally {
    streamsEnded.resolve();
  }
}

let streamsEnded = Promise.withResolvers<void>();

const AREAS: readonly Area[] = [
  healthArea({ troubles: () => ({ store: 'the file /secret/place is away' }) }),
  { name: 'users', summary: 'Users.', operations: [read, write, events, login, broken] },
];

const CALLERS = {
  admin: { permissions: ['users:read', 'users:write', 'traffic:read'] },
  viewer: { permissions: ['users:read'] },
  tenant: { permissions: ['users:read', 'users:write'], namespace: 'shop' },
  browser: { permissions: ['users:read', 'users:write'], csrfToken: 'csrf-1' },
} as const;

let api: TestApi;

beforeAll(async () => {
  api = await startAdminApi(AREAS, CALLERS, { limits: { ...SERVER_LIMITS, head: 300, request: 400, idle: 1_000, check: 50 } });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});
beforeEach(() => {
  ran = [];
  kept.clear();
  kept.set('ana', { name: 'ana', roles: ['viewer'], passwordHash: '$argon2id$secret', version: 1 });
  api.auditor.entries.length = 0;
  api.log.length = 0;
});

const ANA = '/api/v1/namespaces/shop/users/ana';

interface Call {
  readonly method?: string;
  readonly body?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly as?: keyof typeof CALLERS | 'stranger';
}

async function call(path: string, { method = 'GET', body, text, headers = {}, as }: Call = {}) {
  const content = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`${api.url}${path}`, {
    method,
    headers: {
      ...(content === undefined ? {} : { 'content-type': 'application/json' }),
      ...(as === undefined ? {} : { authorization: `Bearer ${as}` }),
      ...headers,
    },
    ...(content === undefined ? {} : { body: content }),
    redirect: 'manual',
  });
  const answer = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text: answer,
    json: (answer === '' ? {} : JSON.parse(answer)) as Record<string, unknown>,
  };
}

function update(call: Call = {}): Call {
  return { method: 'PUT', body: { name: 'ana', roles: ['editor'] }, as: 'admin', ...call, headers: { 'if-match': '"1"', ...call.headers } };
}

describe('a permitted caller', () => {
  test('reads, with the ETag, without members that the schema does not have', async () => {
    const answer = await call(ANA, { as: 'viewer' });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({ name: 'ana', roles: ['viewer'] });
    expect(answer.headers.get('etag')).toBe('"1"');
    expect((await call(ANA, { as: 'viewer', headers: { 'if-none-match': 'W/"1"' } })).status).toBe(304);
    expect(api.auditor.entries).toEqual([]);
  });

  test('changes; the entry of the audit log is kept before the answer', async () => {
    const answer = await call(
      ANA,
      update({ headers: { 'weir-reason': Buffer.from('für Anna').toString('latin1'), 'user-agent': 'test/1' } }),
    );
    expect([answer.status, answer.headers.get('etag')]).toEqual([200, '"2"']);
    expect(api.auditor.entries).toEqual([
      {
        time: expect.any(Number),
        requestId: answer.headers.get('x-request-id'),
        operation: 'users.update',
        path: ANA,
        caller: { kind: 'token', id: 'id-of-admin', name: 'admin', address: '127.0.0.1', session: null },
        userAgent: 'test/1',
        reason: 'für Anna',
        namespace: 'shop',
        outcome: 'success',
        status: 200,
        code: '',
        changes: [{ object: 'user/ana', before: { roles: ['viewer'] }, after: { roles: ['editor'] } }],
      },
    ]);
  });

  test('learns that an object is unknown, has changed, or needs If-Match', async () => {
    expect(await call('/api/v1/namespaces/shop/users/nobody', { as: 'viewer' })).toMatchObject({
      status: 404,
      json: { code: 'user-unknown' },
    });
    expect(await call(ANA, update({ headers: { 'if-match': '"7"' } }))).toMatchObject({ status: 412, json: { currentETag: '1' } });
    const { status, json } = await call(ANA, { method: 'PUT', body: { name: 'ana' }, as: 'admin' });
    expect([status, json['code']]).toEqual([428, 'precondition-needed']);
    expect((await call(ANA, update({ headers: { 'if-match': 'W/"1"' } }))).json['errors']).toEqual([
      { field: 'header.If-Match', reason: 'must be one strong ETag in quotes, or *' },
    ]);
    expect((await call(ANA, update({ headers: { 'if-match': '*' } }))).status).toBe(200);
  });
});

describe('credentials', () => {
  test('are needed for all but open operations', async () => {
    for (const path of [ANA, '/api/v1/events']) {
      const answer = await call(path);
      expect([answer.status, answer.json['code'], answer.headers.get('www-authenticate')]).toEqual([
        401,
        'credentials-needed',
        'Bearer realm="weir"',
      ]);
    }
    expect((await call(ANA, { as: 'stranger' })).json).toMatchObject({
      status: 401,
      code: 'token-invalid',
      title: 'The request has no valid credentials',
    });
    const health = await call('/api/v1/health');
    expect(health.json).toMatchObject({ status: 'degraded', away: ['store'] });
    expect(health.text).not.toContain('secret');
    expect(ran).toEqual([]);
  });

  test('are refused before the body is read', async () => {
    const answer = await sendRaw(
      api.port,
      `PUT ${ANA} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  test('and bodies are in no line of the log', async () => {
    await call('/api/v1/login', { method: 'POST', body: { password: 'hunter2-hunter2' } });
    await call(ANA, { as: 'stranger', headers: { cookie: `${SESSION_COOKIE}=s-secret`, authorization: 'Bearer t-secret' } });
    await call('/api/v1/broken?token=q-secret', { method: 'POST', as: 'admin' });
    await call('/api/v1/broken', { method: 'POST', as: 'admin' });
    await call('/api/v1/login', { method: 'POST', text: '{"password": "hunter2-hunter2' });
    const log = api.log.join('');
    expect(log).toContain('a bug stopped an operation');
    for (const secret of ['hunter2', 's-secret', 't-secret', 'q-secret']) expect(log).not.toContain(secret);
  });

  test('do not help without the permission, which attempts to write are recorded', async () => {
    const answer = await call(ANA, update({ as: 'viewer' }));
    expect(answer.json).toMatchObject({ status: 403, code: 'permission-needed', detail: 'this needs the permission users:write' });
    expect(api.auditor.entries).toMatchObject([{ operation: 'users.update', outcome: 'refused', code: 'permission-needed', changes: [] }]);
    expect(kept.get('ana')?.version).toBe(1);
  });

  test('of one namespace do not reach another, whether the object exists or not', async () => {
    expect((await call(ANA, update({ as: 'tenant' }))).status).toBe(200);
    kept.set('eve', { name: 'eve', roles: [], passwordHash: '', version: 1 });
    for (const user of ['eve', 'nobody']) {
      const answer = await call(`/api/v1/namespaces/other/users/${user}`, update({ as: 'tenant' }));
      expect(answer.json).toMatchObject({ status: 403, detail: 'this needs the permission users:write in namespace "other"' });
    }
    expect(ran).toHaveLength(1);
  });
});

describe('hostile bodies', () => {
  test.each([
    ['an unknown member', '{"name":"ana","isAdmin":true}', 'body.isAdmin', 'is not a known field'],
    ['a wrong type', '{"name":"ana","roles":"admin"}', 'body.roles', 'must be an array'],
    ['a missing member', '{}', 'body.name', 'is required'],
    ['a list', '[]', 'body', 'must be an object'],
    ['null', 'null', 'body', 'must be an object'],
  ])('%s is refused with its field', async (_, text, field, reason) => {
    const answer = await call(ANA, update({ text }));
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid-fields', errors: [{ field, reason }] });
    expect(ran).toEqual([]);
  });

  test.each([
    ['__proto__', '{"name":"ana","__proto__":{"isAdmin":true}}', 'not-json'],
    ['constructor.prototype', '{"name":"ana","constructor":{"prototype":{"isAdmin":true}}}', 'not-json'],
    ['half of JSON', '{"name":', 'not-json'],
    ['no body', '', 'not-json'],
  ])('%s is refused', async (_, text, code) => {
    expect((await call(ANA, update({ text }))).json).toMatchObject({ status: 400, code });
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
    expect(ran).toEqual([]);
  });

  test('of more than 64 levels is refused', async () => {
    const text = `{"name":"ana","roles":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    expect((await call(ANA, update({ text }))).json).toMatchObject({ status: 400, code: 'too-deep' });
  });

  test('has at most 20 errors', async () => {
    const body = { name: 'ana', roles: Array.from({ length: 5_000 }, () => 1) };
    expect((await call(ANA, update({ body }))).json['errors']).toHaveLength(20);
  });

  test('that is too large is refused, with and without its length', async () => {
    const text = JSON.stringify({ name: 'a'.repeat(70_000) });
    expect((await call(ANA, update({ text }))).json).toMatchObject({ status: 413, code: 'body-too-large' });
    const head = `PUT ${ANA} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`;
    expect(await sendRaw(api.port, `${head}${(70_000).toString(16)}\r\n${' '.repeat(70_000)}\r\n0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'text/json'])(
    'as %s is refused',
    async (type) => {
      expect((await call(ANA, update({ headers: { 'content-type': type } }))).json).toMatchObject({ status: 415 });
    },
  );

  test('for an operation without one is refused', async () => {
    expect((await call('/api/v1/broken', { method: 'POST', body: { a: 1 }, as: 'admin' })).json).toMatchObject({
      errors: [{ field: 'body', reason: 'must be absent' }],
    });
  });
});

describe('hostile paths and headers', () => {
  test.each([
    '/api/v1/namespaces/shop/users/%00',
    '/api/v1/namespaces/shop/users/a%0d%0aSet-Cookie:x',
    '/api/v1/namespaces/shop/users/..%2f..%2fetc',
  ])('%s is refused', async (path) => {
    const answer = await call(path, { as: 'viewer' });
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid-fields' });
    expect(answer.headers.get('set-cookie')).toBeNull();
  });

  test('unknown and doubled parameters are refused', async () => {
    expect((await call(`${ANA}?admin=1`, { as: 'viewer' })).json['errors']).toEqual([
      { field: 'query.admin', reason: 'is not a known field' },
    ]);
    expect((await call(`${ANA}?__proto__=1`, { as: 'viewer' })).status).toBe(400);
  });

  test('a path that is no path, or unknown, is answered with a problem', async () => {
    expect((await call('/api/v1/%zz', { as: 'viewer' })).json).toMatchObject({ status: 400, code: 'path-malformed' });
    expect((await call('/')).json).toMatchObject({ status: 404, code: 'path-unknown' });
    expect((await call('/api/v1/namespaces/shop/users/ana/', { as: 'viewer' })).status).toBe(404);
    const answer = await call(ANA, { method: 'DELETE' });
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, PUT']);
  });

  test('the id of a request is never that of the caller', async () => {
    const answer = await call('/api/v1/health', { headers: { 'x-request-id': 'mine' } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('cannot forge a line of the log', async () => {
    const forged = '%0a{"level":"error","msg":"forged"}%0d%0a';
    await call(`/api/v1/namespaces/${forged}/users/${forged}`, { headers: { 'user-agent': 'a\tb\u00e9{"msg":"forged"}' } });
    await call(ANA, { headers: { authorization: `Bearer x${forged}`, 'weir-reason': `\u0085${forged}` } });
    expect(api.log).toHaveLength(2);
    for (const line of api.log) {
      expect(line.trimEnd()).not.toContain('\n');
      expect(JSON.parse(line)).toMatchObject({ msg: 'a request of the admin API is refused', operation: 'users.get' });
    }
  });

  test('a large head, and what is no HTTP, close the connection', async () => {
    expect(await sendRaw(api.port, `GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(
      /^HTTP\/1\.1 431 .*head-too-large/s,
    );
    expect(await sendRaw(api.port, 'GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nA b: 1\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 .*malformed/s,
    );
    const smuggled = 'POST /api/v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
    expect(await sendRaw(api.port, smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  });
});

describe('pages of other sites', () => {
  const session = { cookie: `${SESSION_COOKIE}=browser` };
  const own = { ...session, 'sec-fetch-site': 'same-origin', 'weir-csrf-token': 'csrf-1' };

  test('cannot use a session for a change; a page of this server can, with its token', async () => {
    const refused = async (headers: Readonly<Record<string, string>>) => {
      const { as: _, ...rest } = update({ headers });
      const { status, json } = await call(ANA, rest);
      return [status, json['code']];
    };
    expect(await refused(own)).toEqual([200, undefined]);
    kept.set('ana', { ...(kept.get('ana') as Kept), version: 1 });
    expect(await refused({ ...session, origin: api.url, 'weir-csrf-token': 'csrf-1' })).toEqual([200, undefined]);
    expect(await refused({ ...own, 'weir-csrf-token': 'csrf-2' })).toEqual([403, 'csrf-token-needed']);
    expect(await refused({ ...session, 'sec-fetch-site': 'same-origin' })).toEqual([403, 'csrf-token-needed']);
    expect(await refused({ ...session, 'weir-csrf-token': 'csrf-1' })).toEqual([403, 'origin-needed']);
    for (const site of ['cross-site', 'same-site'])
      expect(await refused({ ...own, 'sec-fetch-site': site })).toEqual([403, 'foreign-origin']);
    for (const origin of ['https://evil.example', 'null']) expect(await refused({ ...own, origin })).toEqual([403, 'foreign-origin']);
    expect(ran).toHaveLength(2);
  });

  test('cannot read with a session, and get no permission by CORS', async () => {
    expect((await call(ANA, { headers: { ...session, 'sec-fetch-site': 'cross-site' } })).json).toMatchObject({ code: 'foreign-origin' });
    const preflight = await call(ANA, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'PUT' },
    });
    expect(preflight.status).toBe(405);
    expect([...preflight.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  test('cannot log a user in', async () => {
    const answer = await call('/api/v1/login', { method: 'POST', body: { password: 'x' }, headers: { origin: 'https://evil.example' } });
    expect(answer.json).toMatchObject({ status: 403, code: 'foreign-origin' });
  });

  test('whose name leads to loopback are refused by their host', async () => {
    for (const host of ['evil.example', 'evil.example:80', 'localhost.evil.example', '127.0.0.1.evil.example']) {
      expect(await sendRaw(api.port, `GET /api/v1/health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).toMatch(
        /^HTTP\/1\.1 403 .*foreign-host/s,
      );
    }
  });

  test('can neither frame nor sniff answers, nor are these kept', async () => {
    for (const path of ['/api/v1/health', ANA, '/nothing']) {
      const { headers } = await call(path);
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'cache-control': 'no-store',
      });
    }
  });

  test('cannot read cookies of a session', async () => {
    const { headers } = await call('/api/v1/login', { method: 'POST', body: { password: 'x' } });
    expect(headers.get('set-cookie')).toBe(`${SESSION_COOKIE}=s-1; Path=/; Max-Age=60; HttpOnly; SameSite=Strict`);
  });
});

describe('slow callers', () => {
  test('get no connection for longer than the limits', async () => {
    expect(await sendRaw(api.port, 'GET /api/v1/health HTTP/1.1\r\nHost: local')).toMatch(/^HTTP\/1\.1 408 .*too-slow/s);
    const head = `PUT ${ANA} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer admin\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
    expect(await sendRaw(api.port, head)).toMatch(/^HTTP\/1\.1 408 /);
    expect(ran).toEqual([]);
  });

  test('of a stream are cut, and the stream ends', async () => {
    streamsEnded = Promise.withResolvers();
    const reading = new AbortController();
    const response = await fetch(`${api.url}/api/v1/events`, { headers: { authorization: 'Bearer admin' }, signal: reading.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    // Takes nothing more: the server cuts the connection after the idle time.
    await streamsEnded.promise;
    reading.abort();
  });
});

describe('faults', () => {
  test('a bug answers 500 without its text, and its changes are in the audit log', async () => {
    const answer = await call('/api/v1/broken', { method: 'POST', as: 'admin' });
    expect(answer.json).toMatchObject({ status: 500, code: 'bug' });
    expect(answer.text).not.toContain('a bug"');
    expect(api.auditor.entries).toMatchObject([{ outcome: 'failed', status: 500, changes: [{ object: 'user/half' }] }]);
  });

  test('changes are refused while the audit log takes no entries; reads go on', async () => {
    api.auditor.trouble = 'the store is away';
    try {
      const answer = await call(ANA, update());
      expect([answer.json['status'], answer.json['code'], answer.headers.get('retry-after')]).toEqual([503, 'audit-away', '5']);
      expect(ran).toEqual([]);
      expect((await call(ANA, { as: 'viewer' })).status).toBe(200);
    } finally {
      api.auditor.trouble = null;
    }
  });

  test('no success is answered without its entry', async () => {
    api.auditor.fails = true;
    try {
      expect((await call(ANA, update())).json).toMatchObject({ status: 503, code: 'audit-lost' });
      expect(api.log.join('')).toContain('an entry of the audit log is lost');
    } finally {
      api.auditor.fails = false;
    }
  });
});

describe('addresses', () => {
  const refusedFrom = async (server: TestApi, headers: Readonly<Record<string, string>>): Promise<unknown> => {
    await (await fetch(`${server.url}${ANA}`, { headers })).text();
    return (JSON.parse(server.log.at(-1) ?? '{}') as { readonly address?: unknown }).address;
  };

  test('in headers of callers have no effect by default', async () => {
    expect(await refusedFrom(api, { 'x-forwarded-for': '192.0.2.9', forwarded: 'for=192.0.2.9' })).toBe('127.0.0.1');
  });

  test('that trusted proxies report count, and what callers have sent before them does not', async () => {
    const trustedProxies = { ranges: ['127.0.0.0/8'], header: 'x-forwarded-for' as const };
    await using behind = await startAdminApi(AREAS, CALLERS, { trustedProxies });
    expect(await refusedFrom(behind, { 'x-forwarded-for': '127.0.0.1, 192.0.2.9' })).toBe('192.0.2.9');
    expect(await refusedFrom(behind, { forwarded: 'for=192.0.2.9' })).toBe('127.0.0.1');
  });
});

describe('rates', () => {
  test('of an address and of a caller are limited', async () => {
    await using limited = await startAdminApi(AREAS, CALLERS, {
      addressRate: { burst: 6, perSecond: 0.001 },
      callerRate: { burst: 2, perSecond: 0.01 },
    });
    const answers: string[] = [];
    for (let count = 0; count < 7; count++) {
      const response = await fetch(`${limited.url}${ANA}`, { headers: { authorization: 'Bearer viewer' } });
      answers.push(`${response.status} ${String(((await response.json()) as { code?: string }).code)}`);
      if (response.status === 429) expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(50);
    }
    expect(answers).toEqual([
      ...Array.from({ length: 2 }, () => '200 undefined'),
      ...Array.from({ length: 4 }, () => '429 rate-of-caller'),
      '429 rate-of-address',
    ]);
    const refused = limited.metrics.families.find(({ name }) => name === 'weir_admin_refused_total');
    expect(refused?.read()).toEqual([
      { labels: { code: 'rate-of-caller' }, value: 4 },
      { labels: { code: 'rate-of-address' }, value: 1 },
    ]);
  });
});
