// Fixed answers and maintenance, from the user's HTTPPolicy to the bytes that a client gets.
import { describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { manifest, SecurityRig as PolicyRig, securityPolicy } from '../security/rig.ts';
import { closeAfterEach, closeLater, get, openClient, post } from '../support/fixture.ts';
import { openSession, request } from '../support/h2-client.ts';
import { header, status, type Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';

closeAfterEach();

const ROUTE = { kind: 'HTTPRoute', name: 'app' };

function policy(settings: object, target: object = ROUTE, name = 'web'): Manifest {
  return manifest('HTTPPolicy', name, { targetRefs: [target], ...settings });
}

function pages(data: Readonly<Record<string, string>>, namespace = 'default'): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'pages', namespace }, data };
}

const entry = (key: string, namespace?: string): object => ({
  configMapRef: { name: 'pages', ...(namespace === undefined ? {} : { namespace }) },
  key,
});

const code = (answer: Message): unknown => (JSON.parse(answer.body) as { code: unknown }).code;

async function call(rig: PolicyRig): Promise<unknown> {
  const session = openSession(rig.proxy.port);
  closeLater(() => session.destroy());
  const { headers } = await request(session, {
    ':method': 'POST',
    ':path': '/users.Users/Get',
    ':authority': 'a',
    'content-type': 'application/grpc',
  });
  return [headers['grpc-status'], headers['grpc-message']];
}

describe('a direct response', () => {
  test('is the answer to every request, and no backend is asked', async () => {
    const answer = {
      status: 410,
      contentType: 'text/html; charset=utf-8',
      headers: [{ name: 'X-Why', value: 'gone' }],
      body: '<p>Gone ✓</p>',
    };
    const rig = await PolicyRig.start([policy({ directResponse: answer })]);
    for (const bytes of [get('/x?y'), post('{}')]) {
      const got = await rig.ask(bytes);
      expect([status(got), header(got, 'content-type'), header(got, 'x-why')]).toEqual([410, 'text/html; charset=utf-8', 'gone']);
      expect(Buffer.from(got.body, 'latin1').toString()).toBe('<p>Gone ✓</p>');
      expect(header(got, 'content-length')).toBe('15');
    }
    expect(rig.upstream.requests).toEqual([]);
  });

  test('to HEAD has the same head', async () => {
    const rig = await PolicyRig.start([policy({ directResponse: { body: 'hello' } })]);
    const client = await openClient(rig.proxy.port);
    const got = await client.ask(get().replace('GET', 'HEAD'), true);
    expect([status(got), header(got, 'content-length'), header(got, 'content-type'), got.body]).toEqual([
      200,
      '5',
      'text/plain; charset=utf-8',
      '',
    ]);
  });

  test('may have no body and no type', async () => {
    const rig = await PolicyRig.start([policy({ directResponse: { status: 204 } })]);
    const got = await rig.ask(get());
    expect([status(got), header(got, 'content-type'), got.body]).toEqual([204, undefined, '']);
  });

  test('needs no backend', async () => {
    const rig = await PolicyRig.start([policy({ directResponse: { body: 'own' } })]);
    await rig.change([manifest('HTTPRoute', 'app', { parentRefs: [{ name: 'gw' }], rules: [{ name: 'all' }] })]);
    expect((await rig.ask(get())).body).toBe('own');
  });

  test('has the body of an entry, and follows its changes', async () => {
    const directResponse = { contentType: 'text/html', bodyRef: entry('index.html') };
    const rig = await PolicyRig.start([pages({ 'index.html': 'one' }), policy({ directResponse })]);
    expect(rig.condition('web', 'ResolvedRefs', 'HTTPPolicy')).toMatch(/^True/);
    const first = await rig.ask(get());
    await rig.change([pages({ 'index.html': 'two' })]);
    expect([first.body, (await rig.ask(get())).body]).toEqual(['one', 'two']);
  });

  test('without its entry is an error of its own, and the status names the field', async () => {
    const rig = await PolicyRig.start([pages({ 'index.htm': '' }), policy({ directResponse: { bodyRef: entry('index.html') } })]);
    const got = await rig.ask(get());
    expect([status(got), code(got), rig.upstream.requests]).toEqual([500, 'answer_unresolved', []]);
    const condition = rig.condition('web', 'ResolvedRefs', 'HTTPPolicy');
    expect(condition).toMatch(/^False KeyNotFound: spec\.directResponse\.bodyRef: ConfigMap\/default\/pages has no entry index\.html/);
    await rig.change([pages({ 'index.html': 'there' })]);
    expect((await rig.ask(get())).body).toBe('there');
  });

  test('gets no entry of another namespace without a grant, also if the proxy has the entry', async () => {
    const theirs = { ...policy({ directResponse: { bodyRef: entry('secret.html') } }), metadata: { name: 'theirs', namespace: 'other' } };
    const route = manifest('HTTPRoute', 'app', {
      parentRefs: [{ name: 'gw', namespace: 'default' }],
      hostnames: ['other.test'],
      rules: [{ name: 'all' }],
    });
    const gateway = manifest('Gateway', 'gw', {
      gatewayClassName: 'weir',
      listeners: [{ name: 'http', port: 80, protocol: 'HTTP', allowedRoutes: { namespaces: { from: 'All' } } }],
    });
    const rig = await PolicyRig.start([
      gateway,
      pages({ 'secret.html': 'theirs' }, 'other'),
      { ...route, metadata: { name: 'app', namespace: 'other' } },
      theirs,
      policy({ directResponse: { bodyRef: entry('secret.html', 'other') } }),
    ]);
    expect((await rig.ask(get().replace('Host: a', 'Host: other.test'))).body).toBe('theirs');
    const got = await rig.ask(get());
    expect([status(got), code(got)]).toEqual([500, 'answer_unresolved']);
    expect(rig.condition('web', 'ResolvedRefs', 'HTTPPolicy')).toMatch(/^False RefNotPermitted/);
  });

  test('comes after protection', async () => {
    const rig = await PolicyRig.start([
      policy({ directResponse: { body: 'own' } }),
      securityPolicy('addresses', { ipAccess: { deny: ['127.0.0.2/32'] } }),
    ]);
    expect([status(await rig.ask(get(), '127.0.0.2')), (await rig.ask(get())).body]).toEqual([403, 'own']);
  });

  test('is UNAVAILABLE for gRPC calls', async () => {
    const rig = await PolicyRig.start([policy({ directResponse: { body: 'own' } })]);
    expect(await call(rig)).toEqual(['14', 'The route has a fixed answer, which is not gRPC']);
  });

  test('is turned off by a nearer policy', async () => {
    const wide = policy({ directResponse: { body: 'own' } }, { kind: 'Gateway', name: 'gw' }, 'wide');
    const rig = await PolicyRig.start([wide]);
    expect((await rig.ask(get())).body).toBe('own');
    await rig.change([policy({ directResponse: { mode: 'Disabled' } })]);
    expect((await rig.ask(get())).body).toBe('ok');
  });
});

describe('maintenance', () => {
  test('is a problem document with Retry-After, and UNAVAILABLE for gRPC calls', async () => {
    const maintenance = { retryAfter: '90s', headers: [{ name: 'x-more', value: 'https://status.test' }] };
    const rig = await PolicyRig.start([policy({ maintenance })]);
    const got = await rig.ask(get());
    expect([status(got), header(got, 'retry-after'), header(got, 'x-more')]).toEqual([503, '90', 'https://status.test']);
    expect([code(got), header(got, 'content-type')]).toEqual(['maintenance', 'application/problem+json']);
    expect(await call(rig)).toEqual(['14', 'The service is under maintenance']);
    expect(rig.upstream.requests).toEqual([]);
  });

  test('has a page of its own, which no cache keeps', async () => {
    const rig = await PolicyRig.start([policy({ maintenance: { contentType: 'text/html', body: '<p>Soon</p>', retryAfter: '1500ms' } })]);
    const got = await rig.ask(get());
    expect([status(got), header(got, 'content-type'), got.body]).toEqual([503, 'text/html', '<p>Soon</p>']);
    expect([header(got, 'cache-control'), header(got, 'retry-after')]).toEqual(['no-store', '2']);
  });

  test('goes on without the entry of its page', async () => {
    const rig = await PolicyRig.start([policy({ maintenance: { retryAfter: '60s', bodyRef: entry('soon.html') } })]);
    const got = await rig.ask(get());
    expect([status(got), code(got), header(got, 'retry-after')]).toEqual([503, 'maintenance', '60']);
    expect(rig.condition('web', 'ResolvedRefs', 'HTTPPolicy')).toMatch(/^False NotFound: spec\.maintenance\.bodyRef/);
  });

  test('lets exempt addresses through, and comes before a direct response', async () => {
    const rig = await PolicyRig.start([policy({ maintenance: { exempt: ['127.0.0.2/32'] }, directResponse: { body: 'own' } })]);
    expect([status(await rig.ask(get())), (await rig.ask(get(), '127.0.0.2')).body]).toEqual([503, 'own']);
  });
});

describe('a policy is invalid', () => {
  test.each([
    ['with two bodies', { directResponse: { body: 'a', bodyRef: entry('a') } }, 'spec.directResponse.bodyRef: cannot be set together'],
    ['with two bodies for the maintenance', { maintenance: { body: 'a', bodyRef: entry('a') } }, 'spec.maintenance.bodyRef: cannot be'],
    ['with a body where there is none', { directResponse: { status: 204, body: '' } }, 'spec.directResponse.body: must be absent'],
    ['with the status of an interim answer', { directResponse: { status: 103 } }, 'spec.directResponse.status'],
    [
      'with a header that frames the message',
      { directResponse: { headers: [{ name: 'Content-Length', value: '1' }] } },
      'spec.directResponse.headers[0].name: frames',
    ],
    [
      'with a type among the headers',
      { directResponse: { headers: [{ name: 'Content-Type', value: 'a/b' }] } },
      'spec.directResponse.headers[0].name: comes from contentType',
    ],
    ['with a second Retry-After', { maintenance: { headers: [{ name: 'Retry-After', value: '1' }] } }, 'spec.maintenance.headers[0].name'],
    [
      'with a line break in a header',
      { directResponse: { headers: [{ name: 'x', value: 'a\r\nb: c' }] } },
      'spec.directResponse.headers[0].value',
    ],
    ['with a strange range', { maintenance: { exempt: ['10.0.0.0/33'] } }, 'spec.maintenance.exempt[0]'],
  ])('%s', (_, settings, message) => {
    const result = validateObject(policy(settings), { strict: true });
    expect(result.ok ? [] : result.error.map(describeError)).toEqual([expect.stringContaining(message)]);
  });
});
