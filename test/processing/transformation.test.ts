// Changes of requests and answers, from the user's HTTPPolicy to the bytes that backends and clients get.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { manifest, SecurityRig as PolicyRig, securityPolicy } from '../security/rig.ts';
import { closeAfterAll, get } from '../support/fixture.ts';
import { header, status, type Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { ok } from '../support/raw-upstream.ts';
import { exchangeUnder, httpPolicy, type Exchanged } from './policy-exchange.ts';

closeAfterAll();

let rig: PolicyRig;
beforeAll(async () => {
  rig = await PolicyRig.start([]);
});

const exchange = (settings: object, bytes: string, answer?: string): Promise<Exchanged> => exchangeUnder(rig, settings, bytes, answer);

const target = ({ sent }: Exchanged): string | undefined => sent?.startLine.split(' ')[1];
const withHeaders = (path: string, ...lines: readonly string[]): string => get(path, [...lines].map((line) => `${line}\r\n`).join(''));
const code = (answer: Message): unknown => (JSON.parse(answer.body) as { code: unknown }).code;

describe('the path', () => {
  test.each([
    ['^/v1/users/([0-9]+)$', '/accounts/$1', '/v1/users/7?q=1', '/accounts/7?q=1'],
    ['^/v1/users/(?P<id>[0-9]+)', '/accounts/${id}', '/v1/users/7/x', '/accounts/7/x'],
    ['^/v1/users/([0-9]+)$', '/accounts/$1', '/v1/users/seven', '/v1/users/seven'],
    ['/old/', '/new/', '/a/old/b/old/c', '/a/new/b/old/c'],
    ['^/v1', '', '/v1', '/'],
    ['^/(.*)$', '/$$1/$1', '/a', '/$1/a'],
    ['^/(.*)$', '/a b/ü/$1', '/c', '/a%20b/%C3%BC/c'],
    ['^/caf%c3%a9$', '/coffee', '/caf%C3%A9', '/coffee'],
  ])('%s becomes %s', async (match, replace, asked, expected) => {
    expect(target(await exchange({ request: { path: { match, replace } } }, get(asked)))).toBe(expected);
  });

  test('is taken apart by a template', async () => {
    const request = { path: { template: '/users/{id}/*', replace: '/accounts/${id}/$2' } };
    expect(target(await exchange({ request }, get('/users/7/a/b')))).toBe('/accounts/7/a/b');
    expect(target(await exchange({ request }, get('/users/7')))).toBe('/accounts/7/');
  });

  test('keeps all of its characters if a filter of the backend replaces the prefix', async () => {
    const urlRewrite = { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/x' } };
    const backend = { group: 'gateway.weir.dev', kind: 'Backend', name: 'app', filters: [{ type: 'URLRewrite', urlRewrite }] };
    const route = (backendRef: object): Manifest =>
      manifest('HTTPRoute', 'app', {
        parentRefs: [{ name: 'gw' }],
        rules: [{ name: 'all', matches: [{ path: { type: 'PathPrefix', value: '/v1' } }], backendRefs: [backendRef] }],
      });
    await rig.change([route(backend)]);
    const request = { path: { match: '^/v1/users/', replace: '/accounts/' } };
    expect(target(await exchange({ request }, get('/v1/users/7')))).toBe('/x/accounts/7');
    expect(target(await exchange({ request }, get('/v1/else')))).toBe('/x/else');
    await rig.change([
      manifest('HTTPRoute', 'app', { parentRefs: [{ name: 'gw' }], rules: [{ name: 'all', backendRefs: [{ ...backend, filters: [] }] }] }),
    ]);
  });

  test.each([
    ['dot segments of parts', '^/files/(.+)-x$', '/root/$1/b', '/files/..-x'],
    ['dot segments of several parts', '^/files/(.)x(.)$', '/root/$1$2/b', '/files/.x.'],
    ['many times its length', '^/(.*)$', '/$1$1$1', `/${'a'.repeat(6_000)}`],
  ])('never gets %s', async (_, match, replace, asked) => {
    const { sent, answer } = await exchange({ request: { path: { match, replace } } }, get(asked));
    expect([sent, status(answer), code(answer)]).toEqual([undefined, 400, 'path_refused']);
  });

  test.each([
    ['^/go/(.*)$', '$1', '/go//evil.test/x', '/evil.test/x'],
    ['^/go/(.*)$', '$1', '/go/http://evil.test/', '/http://evil.test/'],
    ['^/go', '/', '/go//evil.test', '/evil.test'],
  ])('is never another host', async (match, replace, asked, expected) => {
    expect(target(await exchange({ request: { path: { match, replace } } }, get(asked)))).toBe(expected);
  });
});

describe('headers of requests', () => {
  async function headers(changes: object, path: string, ...lines: readonly string[]): Promise<readonly (string | undefined)[]> {
    const match = '^/v1/users/(?P<id>[^/]+)$';
    const { sent } = await exchange({ request: { path: { match }, headers: changes } }, withHeaders(path, ...lines));
    return sent === undefined ? [] : sent.headers.filter(([name]) => name.startsWith('x-')).map(([name, value]) => `${name}: ${value}`);
  }

  test('have values from parts of the path, the query, headers and the caller', async () => {
    const set = [
      { name: 'X-User', value: 'path.captures[1]' },
      { name: 'x-name', value: 'path.params["id"]' },
      { name: 'x-query', value: 'request.query["q"] + request.headers["x-a"]' },
      { name: 'x-caller', value: 'principal.id == "" ? "none" : principal.id' },
    ];
    const got = await headers({ set }, '/v1/users/a%20b?q=1', 'x-a: 2');
    expect(got).toEqual(expect.arrayContaining(['x-a: 2', 'x-user: a%20b', 'x-name: a b', 'x-query: 12', 'x-caller: none']));
  });

  test('are removed, renamed, set and added, in this order', async () => {
    const changes = {
      remove: ['x-a'],
      rename: [{ from: 'x-b', to: 'x-c' }],
      set: [{ name: 'x-d', value: '"new"' }],
      add: [{ name: 'x-d', value: '"more"' }],
    };
    const got = await headers(changes, '/v1/users/7', 'x-a: 1', 'x-b: 2', 'x-c: 3', 'x-d: 4');
    expect(got.filter((line) => /^x-[a-d]:/.test(String(line)))).toEqual(['x-c: 2', 'x-d: new', 'x-d: more']);
  });

  test('of the client do not pass for one without a value', async () => {
    expect(await headers({ set: [{ name: 'x-user', value: 'path.captures[1]' }] }, '/else', 'x-user: admin')).not.toContain(
      'x-user: admin',
    );
  });

  test('have no line breaks', async () => {
    const set = [
      { name: 'x-q', value: 'request.query["q"]' },
      { name: 'x-n', value: '"a\\r\\nx-evil: 1"' },
    ];
    const got = await headers({ set }, '/v1/users/7?q=a%0d%0ax-evil:%201');
    expect(got.filter((line) => /evil|x-q|x-n/.test(String(line)))).toEqual([]);
  });

  test('depend on conditions', async () => {
    const set = [
      { name: 'x-a', value: '"1"', when: 'request.method == "GET"' },
      { name: 'x-b', value: '"1"', when: 'request.method == "POST"' },
    ];
    const got = await headers({ set }, '/v1/users/7');
    expect(got.filter((line) => /^x-[ab]:/.test(String(line)))).toEqual(['x-a: 1']);
  });

  test('may be the host', async () => {
    const set = (value: string): object => ({ request: { headers: { set: [{ name: 'host', value }] } } });
    expect(header((await exchange(set('"new.test"'), get('/'))).sent as Message, 'host')).toBe('new.test');
    expect(header((await exchange(set('"a/b"'), get('/'))).sent as Message, 'host')).toBe('a');
  });
});

test('parts of the path come from the template of the rule, if the policy has none', async () => {
  const request = { headers: { set: [{ name: 'x-id', value: 'path.params["id"] + path.captures[2]' }] } };
  const route = (value: string): Manifest =>
    manifest('HTTPRoute', 'app', {
      parentRefs: [{ name: 'gw' }],
      rules: [
        {
          matches: [{ path: { type: 'RegularExpression', value } }],
          backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }],
        },
      ],
    });
  for (const value of ['template:/a/{id}/*', '/a/(?P<id>[^/]+)/(.*)']) {
    await rig.change([route(value)]);
    expect(header((await exchange({ request }, get('/a/7/b'))).sent as Message, 'x-id')).toBe('7b');
  }
  await rig.change([route('/.*')]);
  expect(header((await exchange({ request }, get('/a/7/b'))).sent as Message, 'x-id')).toBeUndefined();
});

test('parameters of the query are changed, and others keep their bytes', async () => {
  const query = {
    remove: ['gone'],
    rename: [{ from: 'old name', to: 'new' }],
    set: [{ name: 'q', value: 'request.query["gone"] + "&"' }],
    add: [{ name: 'e', value: '"é"' }],
  };
  const done = await exchange({ request: { query } }, get('/a?keep=%7e+x&gone=1&old+name=2&new=3&q=4&q=5&flag'));
  expect(target(done)).toBe('/a?keep=%7e+x&new=2&flag&q=1%26&e=%C3%A9');
  expect(target(await exchange({ request: { query: { remove: ['a'] } } }, get('/a?a=1')))).toBe('/a');
});

test('cookies of requests are removed and set, and no value ends its cookie', async () => {
  const cookies = {
    remove: ['a'],
    set: [
      { name: 'b', value: '"new"' },
      { name: 'c', value: 'request.query["c"]' },
    ],
  };
  const cookie = async (path: string): Promise<string | undefined> =>
    header((await exchange({ request: { cookies } }, withHeaders(path, 'cookie: a=1; b=2; c=3; d=4'))).sent as Message, 'cookie');
  expect(await cookie('/?c=5')).toBe('d=4; b=new; c=5');
  expect(await cookie('/?c=5;e=6')).toBe('d=4; b=new');
});

test('a request is changed only under its condition, which may read parts of the path', async () => {
  const request = { when: 'path.captures[1] == "7"', path: { match: '^/users/(.*)$', replace: '/seven' } };
  expect(target(await exchange({ request }, get('/users/7')))).toBe('/seven');
  expect(target(await exchange({ request }, get('/users/8')))).toBe('/users/8');
  expect(target(await exchange({ request }, get('/else')))).toBe('/else');
});

describe('answers', () => {
  test('have another status and other headers, by conditions on request and answer', async () => {
    const response = {
      when: 'request.path != "/plain"',
      status: [
        { when: 'response.status == 500', to: 503 },
        { when: 'response.headers["x-miss"] == "1"', to: 404 },
      ],
      headers: {
        remove: ['server'],
        rename: [{ from: 'x-old', to: 'x-new' }],
        set: [{ name: 'x-user', value: 'path.captures[1] + " " + string(response.status)' }],
      },
    };
    const settings = { request: { path: { match: '^/users/(.*)$', replace: '/accounts/$1' } }, response };
    const { answer } = await exchange(settings, get('/users/7'), ok('ok', 'server: s\r\nx-old: 1\r\nx-miss: 1\r\n'));
    expect([status(answer), header(answer, 'server'), header(answer, 'x-old'), header(answer, 'x-new')]).toEqual([
      404,
      undefined,
      undefined,
      '1',
    ]);
    expect([header(answer, 'x-user'), answer.body]).toEqual(['7 200', 'ok']);
    const plain = await exchange(settings, get('/plain'), ok('ok', 'server: s\r\nx-miss: 1\r\n'));
    expect([status(plain.answer), header(plain.answer, 'server')]).toEqual([200, 's']);
  });

  test('of the proxy itself are changed too', async () => {
    await rig.change([securityPolicy('deny', { ipAccess: { deny: ['127.0.0.1/32'] } })]);
    const response = { status: [{ when: 'response.status == 403', to: 404 }], headers: { set: [{ name: 'x-a', value: '"b"' }] } };
    const { answer } = await exchange({ response }, get());
    await rig.change([], [securityPolicy('deny', {})]);
    expect([status(answer), header(answer, 'x-a')]).toEqual([404, 'b']);
  });

  test('keep a status that frames the message', async () => {
    const response = { status: [{ to: 200 }] };
    const { answer } = await exchange({ response }, get(), 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\n\r\n');
    expect(status(answer)).toBe(304);
  });

  test('set cookies', async () => {
    const response = {
      cookies: {
        remove: ['a'],
        set: [{ name: 'b', value: '"x"', path: '/', maxAge: '1h', secure: true, httpOnly: true, sameSite: 'Lax' }],
      },
    };
    const { answer } = await exchange({ response }, get(), ok('ok', 'set-cookie: a=1; Path=/\r\nset-cookie: b=1\r\nset-cookie: c=1\r\n'));
    expect(answer.headers.filter(([name]) => name === 'set-cookie').map(([, value]) => value)).toEqual([
      'c=1',
      'b=x; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax',
    ]);
  });
});

describe('a policy is invalid', () => {
  test.each([
    ['with a strange expression', { request: { path: { match: '(' } } }, 'spec.request.path.match: is not an RE2'],
    ['with an unknown group', { request: { path: { match: '/a', replace: '/$1' } } }, 'spec.request.path.replace: has the unknown group 1'],
    [
      'with an unknown name',
      { request: { path: { match: '/a', replace: '/${b}' } } },
      'spec.request.path.replace: has the unknown group b',
    ],
    [
      'with a query in the path',
      { request: { path: { match: '/a', replace: '/b?c' } } },
      'spec.request.path.replace: must be a path alone',
    ],
    ['with a replacement alone', { request: { path: { replace: '/b' } } }, 'spec.request.path.replace: needs match or template'],
    ['with both', { request: { path: { match: '/a', template: '/b' } } }, 'spec.request.path.template: cannot be set together with match'],
    ['with a strange template', { request: { path: { template: '/{a' } } }, 'spec.request.path.template: must close each {'],
    [
      'with a header that frames the message',
      { request: { headers: { set: [{ name: 'Content-Length', value: '"1"' }] } } },
      'spec.request.headers.set[0].name: frames',
    ],
    ['with two hosts', { request: { headers: { add: [{ name: 'host', value: '"a"' }] } } }, 'spec.request.headers.add[0].name'],
    ['with a value that is no text', { request: { headers: { set: [{ name: 'x', value: '1' }] } } }, 'set[0].value: must be a text'],
    ['with an answer in a request', { request: { when: 'response.status == 200' } }, 'spec.request.when: is not valid'],
    ['with a status without a body', { response: { status: [{ to: 204 }] } }, 'spec.response.status[0].to: must be that of an answer'],
    [
      'with attributes in a path of a cookie',
      { response: { cookies: { set: [{ name: 'a', value: '"b"', path: '/;Secure' }] } } },
      'spec.response.cookies.set[0].path',
    ],
  ])('%s', (_, settings, message) => {
    const result = validateObject(httpPolicy(settings), { strict: true });
    expect(result.ok ? [] : result.error.map(describeError)).toEqual([expect.stringContaining(message)]);
  });
});
