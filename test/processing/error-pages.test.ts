// Error pages, from the user's HTTPPolicy to the bytes that a client gets.
import { describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { manifest, SecurityRig as PolicyRig, securityPolicy } from '../security/rig.ts';
import { closeAfterEach, closeLater, get, openClient } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { header, status } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const HTML = 'text/html; charset=utf-8';

function policy(errorPages: readonly object[], more: object = {}): Manifest {
  return manifest('HTTPPolicy', 'web', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], errorPages, ...more });
}

function answer(code: number, body: string, headers = ''): string {
  return `HTTP/1.1 ${code} X\r\n${headers}content-length: ${body.length}\r\n\r\n${body}`;
}

/** A proxy with these pages, and a backend with this answer; `null`: without a backend. */
async function start(pages: readonly object[], bytes: string | null, objects: readonly Manifest[] = []): Promise<PolicyRig> {
  const rig = await PolicyRig.start([policy(pages), ...objects]);
  if (bytes === null) await rig.upstream.close();
  else rig.upstream.become(bytes);
  return rig;
}

const accepting = (types: string, path = '/'): string => get(path, `Accept: ${types}\r\n`);

describe('an error of the proxy', () => {
  test('has the page of its status, and keeps status and other headers', async () => {
    const rig = await start([{ statuses: ['500-599'], body: '<h1>{{status}} {{title}} ({{code}})</h1>' }], null);
    const got = await rig.ask(get());
    expect([status(got), header(got, 'content-type'), got.body]).toEqual([
      502,
      HTML,
      '<h1>502 The backend could not be reached (upstream_connect_failed)</h1>',
    ]);
    expect([header(got, 'cache-control'), header(got, 'vary'), header(got, 'x-content-type-options')]).toEqual([
      'no-store',
      'accept',
      'nosniff',
    ]);
  });

  test('gets the status of the page', async () => {
    const denied = securityPolicy('auth', { ipAccess: { deny: ['127.0.0.0/8'] } });
    const rig = await start([{ statuses: [403], status: 404, body: 'none' }], answer(200, 'ok'), [denied]);
    const got = await rig.ask(get());
    expect([status(got), got.body]).toEqual([404, 'none']);
  });

  test('has the page that the client prefers, or its problem document', async () => {
    const pages = [
      { body: 'html' },
      { contentType: 'text/plain', body: 'text' },
      { contentType: 'application/problem+json', statuses: [404], body: '{}' },
    ];
    const rig = await start(pages, null);
    const bodies = [];
    for (const types of ['*/*', 'text/plain', 'text/html;q=0.5, text/plain;q=0.6', 'image/png'])
      bodies.push((await rig.ask(accepting(types))).body);
    expect(bodies).toEqual(['html', 'text', 'text', 'html']);
    const problem = await rig.ask(accepting('application/json'));
    expect([header(problem, 'content-type'), header(problem, 'vary')]).toEqual(['application/problem+json', 'accept']);
  });

  test('to HEAD has the same head', async () => {
    const rig = await start([{ body: 'page' }], null);
    const client = await openClient(rig.proxy.port);
    const got = await client.ask(get().replace('GET', 'HEAD'), true);
    expect([status(got), header(got, 'content-length'), header(got, 'content-type'), got.body]).toEqual([502, '4', HTML, '']);
  });

  test('stays a status for a gRPC call', async () => {
    const rig = await start([{ body: 'page' }], null);
    const session = openSession(rig.proxy.port);
    closeLater(() => session.destroy());
    const call = { ':method': 'POST', ':path': '/a.B/C', ':authority': 'a', 'content-type': 'application/grpc' };
    const { headers } = await request(session, call);
    expect([headers[':status'], headers['grpc-status'], headers['content-type']]).toEqual([200, '14', 'application/grpc']);
  });

  test('with a body that a policy chose keeps it', async () => {
    const rig = await start([{ body: 'page' }], answer(200, 'ok'));
    await rig.change([policy([{ body: 'page' }], { directResponse: { status: 410, body: 'gone' } })]);
    expect((await rig.ask(get())).body).toBe('gone');
    await rig.change([policy([{ body: 'page' }], { maintenance: { contentType: 'application/problem+json', body: '{}' } })]);
    expect((await rig.ask(get())).body).toBe('{}');
    await rig.change([policy([{ body: 'page' }], { maintenance: { retryAfter: '5s' } })]);
    const got = await rig.ask(get());
    expect([got.body, header(got, 'retry-after')]).toEqual(['page', '5']);
  });
});

describe('an error of the backend', () => {
  test('stays by default, and has the page of its source otherwise', async () => {
    const rig = await start([{ body: 'ours' }], answer(500, 'theirs'));
    expect((await rig.ask(get())).body).toBe('theirs');
    await rig.change([policy([{ source: 'Backend', body: '{{status}} {{title}}{{code}}' }])]);
    expect((await rig.ask(get())).body).toBe('500 Internal Server Error');
  });

  test('loses what holds for its old body only', async () => {
    const about = 'content-encoding: gzip\r\netag: "a"\r\ncontent-digest: sha-256=:AA==:\r\nlast-modified: x\r\naccept-ranges: bytes\r\n';
    const rig = await start(
      [{ source: 'Any', body: 'page' }],
      answer(404, 'not found at all', `${about}set-cookie: a=b\r\nwww-authenticate: x\r\n`),
    );
    const got = await rig.ask(get());
    const names = ['content-encoding', 'etag', 'content-digest', 'last-modified', 'accept-ranges'];
    expect(names.map((name) => header(got, name))).toEqual(names.map(() => undefined));
    expect([header(got, 'content-length'), header(got, 'set-cookie'), header(got, 'www-authenticate')]).toEqual(['4', 'a=b', 'x']);
  });

  test.each([
    ['without a body', answer(404, '')],
    ['of unknown length', 'HTTP/1.1 404 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\nx-trailer: a\r\n\r\n'],
    ['of a megabyte', answer(503, 'x'.repeat(1_000_000))],
  ])('%s has the page, and the connection goes on', async (_, bytes) => {
    const rig = await start([{ source: 'Backend', body: 'page' }], bytes);
    const client = await openClient(rig.proxy.port);
    for (const _round of [1, 2]) {
      const got = await client.ask(get());
      expect([header(got, 'content-length'), header(got, 'transfer-encoding'), got.body]).toEqual(['4', undefined, 'page']);
    }
  });

  test.each([
    ['without an end', true],
    ['that stops on its way', false],
  ])('%s has the page, and its connection is closed', async (_, isEndless) => {
    const rig = await start([{ source: 'Backend', body: 'page' }], '');
    const chunk = `8000\r\n${'x'.repeat(0x8000)}\r\n`;
    rig.upstream.become((_request, { socket }) => {
      socket.write('HTTP/1.1 404 X\r\ntransfer-encoding: chunked\r\n\r\n');
      const send = (): void => void (isEndless && socket.write(chunk, (lost) => lost ?? send()));
      send();
      return null;
    });
    const client = await openClient(rig.proxy.port);
    expect((await client.ask(get())).body).toBe('page');
    await until(() => rig.upstream.open === 0, 'the connection to the backend is closed');
    rig.upstream.become(answer(404, 'x'));
    expect((await client.ask(get())).body).toBe('page');
  });

  test('to HEAD has the head of the page', async () => {
    const rig = await start([{ source: 'Backend', body: 'page' }], 'HTTP/1.1 404 X\r\ncontent-length: 1000\r\n\r\n');
    const client = await openClient(rig.proxy.port);
    const got = await client.ask(get().replace('GET', 'HEAD'), true);
    expect([status(got), header(got, 'content-length'), got.body]).toEqual([404, '4', '']);
  });

  test('over HTTP/2 has the page', async () => {
    const rig = await start([{ source: 'Backend', status: 200, body: 'page' }], answer(500, 'x'.repeat(300_000)));
    const session = openSession(rig.proxy.port);
    closeLater(() => session.destroy());
    const { headers, body } = await request(session, { ':path': '/', ':authority': 'a' });
    expect([headers[':status'], headers['content-length'], body.toString()]).toEqual([200, '4', 'page']);
  });

  test('in JSON stays for a client that prefers it, unless there is a page in JSON', async () => {
    const rig = await start([{ source: 'Backend', body: 'page' }], answer(500, '{}', 'content-type: application/json\r\n'));
    const axios = accepting('application/json, text/plain, */*');
    expect((await rig.ask(axios)).body).toBe('{}');
    await rig.change([
      policy([
        { source: 'Backend', body: 'page' },
        { source: 'Backend', contentType: 'application/json', body: '[]' },
      ]),
    ]);
    expect((await rig.ask(axios)).body).toBe('[]');
  });

  test('that is none stays', async () => {
    const rig = await start([{ source: 'Any', body: 'page' }], answer(302, 'theirs', 'location: /\r\n'));
    expect((await rig.ask(get())).body).toBe('theirs');
  });
});

describe('a variable', () => {
  const path = '/%3Cscript%3E"\'<b>&{{host}}';

  test.each([
    ['text/html', '<p title="{{path}}">', '<p title="/%3Cscript%3E&quot;&#39;&lt;b&gt;&amp;{{host}}">'],
    ['application/json', '{"path":"{{path}}"}', '{"path":"/%3Cscript%3E\\"\'<b>&{{host}}"}'],
    ['text/plain', '{{path}}', '/%3Cscript%3E"\'<b>&{{host}}'],
  ])('is escaped for %s', async (contentType, body, expected) => {
    const rig = await start([{ contentType, body }], null);
    expect((await rig.ask(get(path))).body).toBe(expected);
  });

  test('has the request ID of the client, escaped and cut', async () => {
    const rig = await start([{ body: '{{requestId}}|{{host}}' }], null);
    expect((await rig.ask(get('/', 'X-Request-ID: "><script>\r\n'))).body).toBe('&quot;&gt;&lt;script&gt;|a');
    expect((await rig.ask(get('/', `X-Request-ID: ${'x'.repeat(5_000)}\r\n`))).body).toBe(`${'x'.repeat(1_024)}|a`);
    expect((await rig.ask(get())).body).toBe('|a');
  });
});

describe('the entry of a ConfigMap', () => {
  const entries = (data: object): Manifest => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pages' }, data }) as Manifest;

  test('is a page, and follows its changes', async () => {
    const rig = await start([{ bodyRef: { configMapRef: { name: 'pages' }, key: 'e' } }], null, [entries({ e: '1 {{status}} {{no}}' })]);
    expect((await rig.ask(get())).body).toBe('1 502 {{no}}');
    await rig.change([entries({ e: '2 {{code}}' })]);
    expect((await rig.ask(get())).body).toBe('2 upstream_connect_failed');
  });

  test('that is missing takes no other page away', async () => {
    const missing = { statuses: ['500-599'], bodyRef: { configMapRef: { name: 'pages' }, key: 'missing' } };
    const rig = await start([missing, { body: 'other' }], null, [entries({})]);
    expect((await rig.ask(get())).body).toBe('other');
    expect(rig.condition('web', 'ResolvedRefs', 'HTTPPolicy')).toMatch(/^False KeyNotFound: spec\.errorPages\[0\]\.bodyRef/);
  });
});

test.each([
  ['without a body', { statuses: [404] }, 'spec.errorPages[0]: must have body or bodyRef'],
  ['with statuses of other answers', { statuses: ['300-404'], body: '' }, 'spec.errorPages[0].statuses[0]: must be from 400 to 599'],
  ['with a reversed range', { statuses: ['500-404'], body: '' }, 'spec.errorPages[0].statuses[0]: must begin with the lower status'],
  ['with a status without a body', { status: 204, body: '' }, 'spec.errorPages[0].status'],
  ['with a script', { contentType: 'text/javascript', body: '' }, 'spec.errorPages[0].contentType: must be HTML, XML, JSON or text/plain'],
  ['with another charset', { contentType: 'text/html; charset=utf-7', body: '' }, 'spec.errorPages[0].contentType'],
  ['with an unknown variable', { body: '{{user}}' }, 'spec.errorPages[0].body: has the unknown variable {{user}}'],
  ['that is too long', { body: 'x'.repeat(16_385) }, 'spec.errorPages[0].body'],
])('a policy with a page %s is invalid', (_, page, message) => {
  const result = validateObject(policy([page]), { strict: true });
  expect(result.ok ? [] : result.error.map(describeError)).toEqual([expect.stringContaining(message)]);
});

describe('without a route', () => {
  const onGateway = (body: string, sectionName?: string): Manifest => {
    const target = { kind: 'Gateway', name: 'gw', ...(sectionName === undefined ? {} : { sectionName }) };
    return manifest('HTTPPolicy', sectionName ?? 'all', { targetRefs: [target], errorPages: [{ body }], compression: { minSize: 1 } });
  };
  const onlyFor = { matches: [{ path: { type: 'PathPrefix', value: '/app' } }] };

  test('a request gets the page of its Gateway, or else that of its listener', async () => {
    const rig = await PolicyRig.start([onGateway('{{status}} {{code}} {{path}}')], onlyFor);
    const got = await rig.ask(get('/other', 'Accept-Encoding: gzip\r\n'));
    expect([status(got), header(got, 'content-type'), header(got, 'content-encoding')]).toEqual([404, HTML, undefined]);
    expect(got.body).toBe('404 route_not_found /other');
    await rig.change([onGateway('listener', 'http')]);
    expect((await rig.ask(get('/other'))).body).toBe('listener');
    expect((await rig.ask(get('/app'))).body).toBe('ok');
    await rig.change([], [onGateway('', 'http'), onGateway('')]);
    expect((await rig.ask(get('/other'))).body).toContain('"code":"route_not_found"');
  });

  test('a page follows its entry', async () => {
    const entry = (page: string): Manifest => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pages' }, data: { page } });
    const errorPages = [{ bodyRef: { configMapRef: { name: 'pages' }, key: 'page' } }];
    const all = manifest('HTTPPolicy', 'all', { targetRefs: [{ kind: 'Gateway', name: 'gw' }], errorPages });
    const rig = await PolicyRig.start([entry('one'), all], onlyFor);
    const first = await rig.ask(get('/other'));
    await rig.change([entry('two')]);
    expect([first.body, (await rig.ask(get('/other'))).body]).toEqual(['one', 'two']);
  });

  test('a listener gets no page of another', async () => {
    const hosts = manifest('Gateway', 'gw', {
      gatewayClassName: 'weir',
      listeners: ['one.test', 'two.test'].map((hostname, i) => ({ name: `l${i}`, hostname, port: 80, protocol: 'HTTP' })),
    });
    const rig = await PolicyRig.start([hosts, onGateway('one', 'l0')], onlyFor);
    const bodies = [];
    for (const host of ['one.test', 'two.test', 'three.test'])
      bodies.push((await rig.ask(get('/other').replace('Host: a', `Host: ${host}`))).body.slice(0, 6));
    expect(bodies).toEqual(['one', '{"type', '{"type']);
  });

  test('a request that is not valid HTTP gets the answer of the proxy', async () => {
    const rig = await PolicyRig.start([onGateway('page')]);
    expect((await rig.ask('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')).body).toContain('"code":"request_malformed"');
  });

  test('a page also stands in for the refusal of a rule that a policy guards in vain', async () => {
    const guard = securityPolicy('guard', { credentialInjection: [{ bearer: { secretRef: { name: 'missing' }, key: 'k' } }] });
    const rig = await PolicyRig.start([onGateway('{{code}}'), guard]);
    const got = await rig.ask(get());
    expect([status(got), got.body]).toEqual([500, 'policy_unresolved']);
  });
});
