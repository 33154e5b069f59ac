// External authorisation as clients, backends and services see it: policies and filters, over HTTP and gRPC, on real sockets.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import http from 'node:http';
import type net from 'node:net';
import { parse } from 'yaml';
import { GrpcAuthorization, HttpAuthorization, option } from '../support/authorization-services.ts';
import { backendWithRoute, gateway, gatewayClass } from '../support/objects.ts';
import { openSession, request as requestH2 } from '../support/h2-client.ts';
import { startProxyFor, type Proxy } from '../support/proxy.ts';
import { openUpstream, closeAfterAll } from '../support/fixture.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

closeAfterAll();

let backend: http.Server;
let seen: Seen[] = [];
const web = new HttpAuthorization();
const rpc = new GrpcAuthorization();
let deadPort = 0;
const proxies: Proxy[] = [];

const portOf = (server: http.Server): number => (server.address() as net.AddressInfo).port;

beforeAll(async () => {
  backend = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      response.setHeader('set-cookie', 'own=1');
      response.end('backend');
    });
  });
  backend.on('upgrade', (request, socket) => {
    seen.push({ method: 'GET', url: request.url ?? '', headers: request.headers, body: '' });
    socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
  });
  backend.listen(0, '127.0.0.1');
  await Promise.all([once(backend, 'listening'), web.start(), rpc.start()]);
  const closed = await openUpstream();
  deadPort = closed.port;
  await closed.close();
});

afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  web.stop();
  rpc.stop();
  backend.closeAllConnections();
  backend.close();
});

beforeEach(() => {
  seen = [];
  web.questions.length = 0;
  rpc.questions.length = 0;
  web.answer = (_, response) => void response.end();
  rpc.decide = () => ({ status: { code: 0 } });
});

/** `rule`: further fields of the rule of the route. */
function objects(rule: object, policies: readonly object[], port = web.port): object[] {
  const endpointAt = (at: number): object => ({ endpoints: [{ ip: '127.0.0.1', port: at }] });
  const [auth = {}] = backendWithRoute('auth', endpointAt(port));
  const app = backendWithRoute('app', endpointAt(portOf(backend)), rule);
  return [gatewayClass(), ...[gateway('gw', [{ name: 'http', port: 80 }]), ...app, auth, ...policies].map(inDefault)];
}

function inDefault(object: object): object {
  const { metadata } = object as { readonly metadata?: object };
  return { ...object, metadata: { ...metadata, namespace: 'default' } };
}

const REF = 'backendRef: { group: gateway.weir.dev, kind: Backend, name: auth }';

/** A proxy whose route has this tree of authenticators. */
async function protectedBy(authentication: string, port?: number, more = ''): Promise<Proxy> {
  const policy = `
apiVersion: gateway.weir.dev/v1alpha1
kind: SecurityPolicy
metadata: { name: app, namespace: default }
spec:
  targetRefs: [{ kind: HTTPRoute, name: app }]
  authentication: ${authentication}
  ${more}
`;
  const proxy = await startProxyFor(objects({}, [parse(policy) as object], port));
  proxies.push(proxy);
  return proxy;
}

function external(settings = '', port?: number, more?: string): Promise<Proxy> {
  return protectedBy(`{ external: { ${REF}, ${settings} } }`, port, more);
}

/** A proxy whose rule has the filter. */
async function filtered(settings: string, port?: number): Promise<Proxy> {
  const rule = `filters: [{ type: ExternalAuth, externalAuth: { ${REF}, ${settings} } }]`;
  const proxy = await startProxyFor(objects(parse(rule) as object, [], port));
  proxies.push(proxy);
  return proxy;
}

async function ask(proxy: Proxy, url = '/', options: http.RequestOptions & { readonly body?: string | Buffer } = {}): Promise<Answer> {
  const { body = '', ...rest } = options;
  const request = http.request({ host: '127.0.0.1', port: proxy.port, path: url, agent: false, ...rest });
  request.end(body);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(response, 'end');
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() };
}

describe('over HTTP', () => {
  test('the service gets the request without its body, and the backend the headers of the decision', async () => {
    web.answer = (_, response) =>
      void response.writeHead(200, { 'x-user': 'alice', 'x-secret': 's', connection: 'x-secret' }).end('ignored');
    const proxy = await external(
      'headersToBackend: [x-user], headersToService: [x-tenant, authorization], identityHeader: x-user',
      undefined,
      'headersToBackend: [{ name: x-id, value: principal.id }]',
    );
    const headers = {
      'x-tenant': 't',
      authorization: 'Bearer a',
      cookie: 'c=1',
      'x-user': 'mallory',
      X_User: 'eve',
      'x-forwarded-uri': '/public',
    };
    const answer = await ask(proxy, '/a%2e%2e/../b?q=1', { method: 'POST', headers: { ...headers, host: 'app.test' }, body: 'hello' });
    expect(answer).toMatchObject({ status: 200, body: 'backend' });
    expect(web.questions).toHaveLength(1);
    expect(web.last).toMatchObject({
      method: 'POST',
      url: '/b?q=1',
      body: '',
      headers: {
        host: 'app.test',
        'x-tenant': 't',
        authorization: 'Bearer a',
        'x-forwarded-method': 'POST',
        'x-forwarded-uri': '/b?q=1',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': 'app.test',
      },
    });
    expect(JSON.stringify(web.last)).not.toMatch(/mallory|eve|public|c=1/);
    expect(seen).toMatchObject([{ url: '/b?q=1', body: 'hello', headers: { 'x-user': 'alice', 'x-id': 'alice' } }]);
    expect(JSON.stringify(seen)).not.toMatch(/mallory|eve|x-secret/);
  });

  test('a denial is answered as the service answers it', async () => {
    web.answer = (_, response) =>
      void response.writeHead(302, { location: '/login', 'set-cookie': ['a=1', 'b=2'], 'content-type': 'text/html' }).end('<p>');
    const answer = await ask(await external());
    expect(answer).toMatchObject({
      status: 302,
      body: '<p>',
      headers: { location: '/login', 'set-cookie': ['a=1', 'b=2'], 'content-type': 'text/html', 'cache-control': 'no-store' },
    });
    expect(seen).toEqual([]);
  });

  test('only listed headers of a decision reach the client', async () => {
    const proxy = await external('headersToClient: [set-cookie, www-authenticate]');
    web.answer = (_, response) => void response.writeHead(401, { 'www-authenticate': 'Bearer', 'x-internal': '1' }).end();
    const { status, headers } = await ask(proxy);
    expect([status, headers['www-authenticate'], headers['x-internal']]).toEqual([401, 'Bearer', undefined]);
    web.answer = (_, response) => void response.writeHead(200, { 'set-cookie': 's=1' }).end();
    expect((await ask(proxy)).headers['set-cookie']).toEqual(['own=1', 's=1']);
  });

  test('a question may have its own path and method', async () => {
    const proxy = await external('http: { path: /verify }, headersToService: [authorization]');
    await ask(proxy, '/shop?x=1', { method: 'DELETE' });
    expect(web.last).toMatchObject({
      method: 'GET',
      url: '/verify',
      headers: { 'x-forwarded-method': 'DELETE', 'x-forwarded-uri': '/shop?x=1' },
    });
    const prefixed = await external('http: { pathPrefix: /auth/, method: POST }');
    await ask(prefixed, '//evil.test/x');
    expect(web.last).toMatchObject({ method: 'POST', url: '/auth//evil.test/x' });
  });

  test('the service gets a body within the limit, and its beginning if it may', async () => {
    const whole = await external('body: { maxBytes: 5 }');
    expect((await ask(whole, '/', { method: 'POST', body: 'hello' })).status).toBe(200);
    expect(web.last).toMatchObject({ body: 'hello', headers: { 'x-envoy-auth-partial-body': 'false', 'content-length': '5' } });
    expect((await ask(whole, '/', { method: 'POST', body: 'hello!' })).status).toBe(413);
    expect((await ask(whole, '/', { method: 'POST', body: 'hello!', headers: { 'transfer-encoding': 'chunked' } })).status).toBe(413);
    expect(seen.map(({ body }) => body)).toEqual(['hello']);
    const partial = await external('body: { maxBytes: 5, allowPartial: true }');
    expect((await ask(partial, '/', { method: 'POST', body: 'hello world'.repeat(10_000) })).status).toBe(200);
    expect(web.last).toMatchObject({ body: 'hello', headers: { 'x-envoy-auth-partial-body': 'true' } });
    expect(seen.at(-1)?.body).toHaveLength(110_000);
  });

  test('a WebSocket is asked about before it opens', async () => {
    const proxy = await external();
    const upgrade = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    };
    web.answer = (_, response) => void response.writeHead(403).end('no');
    expect(await ask(proxy, '/ws', { headers: upgrade })).toMatchObject({ status: 403, body: 'no' });
    expect(web.last?.headers).not.toHaveProperty('upgrade');
    expect(seen).toEqual([]);
    web.answer = (_, response) => void response.end();
    const request = http.get({ host: '127.0.0.1', port: proxy.port, path: '/ws', headers: upgrade, agent: false });
    const [, socket] = (await once(request, 'upgrade')) as [http.IncomingMessage, net.Socket];
    socket.destroy();
    expect(seen).toHaveLength(1);
  });

  test('headers of a connection, of the message and of the host are not taken from a decision', async () => {
    const proxy = await external('headersToBackend: [host, connection, content-length, transfer-encoding, x-ok]');
    web.answer = (_, response) => void response.writeHead(200, { host: 'evil.test', 'x-ok': '1', 'transfer-encoding': 'chunked' }).end('x');
    await ask(proxy, '/', { method: 'POST', body: 'abc', headers: { host: 'app.test' } });
    expect(seen).toMatchObject([{ body: 'abc', headers: { host: 'app.test', 'x-ok': '1' } }]);
  });

  test('headers that the service names are removed', async () => {
    web.answer = (_, response) =>
      void response.writeHead(200, { 'x-envoy-auth-headers-to-remove': 'Authorization, host, content-length' }).end();
    await ask(await external(), '/', { method: 'POST', body: 'abc', headers: { authorization: 'Bearer a', host: 'app.test' } });
    expect(seen).toMatchObject([{ body: 'abc', headers: { host: 'app.test' } }]);
    expect(seen[0]?.headers).not.toHaveProperty('authorization');
  });
});

describe('without a decision a request is refused, or goes on without a caller:', () => {
  const failures: [string, (response: http.ServerResponse) => void][] = [
    ['an error', (response) => void response.writeHead(500).end()],
    ['a reset', (response) => void response.socket?.resetAndDestroy()],
    ['garbage', (response) => void response.socket?.end('garbage\r\n\r\n')],
    ['half an answer', (response) => void response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx')],
    ['two lines in a header', (response) => void response.socket?.end('HTTP/1.1 200 OK\r\nX-User: a\rb: c\r\nContent-Length: 0\r\n\r\n')],
    ['a huge body', (response) => void response.end('x'.repeat(100_000))],
    ['no answer in time', () => undefined],
  ];
  test.each(failures)('%s', async (_, answer) => {
    web.answer = (_question, response) => answer(response);
    const closed = await external('timeout: 200ms');
    expect(await ask(closed, '/', { headers: { 'x-user': 'mallory' } })).toMatchObject({ status: 503 });
    expect(seen).toEqual([]);
    const open = await external('timeout: 200ms, onError: Open, headersToBackend: [x-user]');
    expect(await ask(open, '/', { headers: { 'x-user': 'mallory' } })).toMatchObject({ status: 200 });
    expect(seen).toHaveLength(1);
    expect(seen[0]?.headers).not.toHaveProperty('x-user');
  });

  test('a service that is away', async () => {
    expect(await ask(await external('', deadPort))).toMatchObject({ status: 503 });
    expect(await ask(await external('protocol: GRPC', deadPort))).toMatchObject({ status: 503 });
    expect(await ask(await filtered('protocol: HTTP, http: {}', deadPort))).toMatchObject({ status: 503 });
    expect(seen).toEqual([]);
  });

  test('the service is asked once for a request', async () => {
    web.answer = (_, response) => void response.socket?.resetAndDestroy();
    await ask(await external(), '/', { method: 'POST', body: 'abc' });
    expect(web.questions).toHaveLength(1);
  });
});

describe('over gRPC', () => {
  test('the service gets the attributes, and the decision has headers and claims', async () => {
    rpc.decide = () => ({
      status: { code: 0 },
      ok_response: {
        headers: [option('X-User', 'alice'), option('x-role', 'b', true)],
        headers_to_remove: ['authorization', ':path', 'Host'],
        response_headers_to_add: [option('x-decided', '1')],
      },
      dynamic_metadata: {
        fields: {
          sub: { stringValue: 'alice' },
          __proto__x: { boolValue: true },
          roles: { listValue: { values: [{ stringValue: 'r' }, { numberValue: 2 }] } },
        },
      },
    });
    const proxy = await external(
      'protocol: GRPC',
      rpc.port,
      "headersToBackend: [{ name: x-id, value: principal.id }, { name: x-claim, value: 'string(principal.claims.roles[0])' }]",
    );
    const headers = { host: 'app.test', authorization: 'Bearer a', 'x-role': 'a', 'x-user': 'mallory' };
    const answer = await ask(proxy, '/x/../b?q=1', { headers });
    expect(answer).toMatchObject({ status: 200, headers: { 'x-decided': '1' } });
    expect(rpc.questions).toHaveLength(1);
    expect(rpc.questions[0]?.attributes).toMatchObject({
      source: { address: { socket_address: { address: '127.0.0.1' } } },
      request: {
        http: {
          method: 'GET',
          path: '/b?q=1',
          host: 'app.test',
          scheme: 'http',
          headers: { ':path': '/b?q=1', authorization: 'Bearer a' },
        },
      },
    });
    expect(seen).toMatchObject([
      { url: '/b?q=1', headers: { host: 'app.test', 'x-user': 'alice', 'x-role': 'a, b', 'x-id': 'alice', 'x-claim': 'r' } },
    ]);
    expect(seen[0]?.headers).not.toHaveProperty('authorization');
  });

  test('a denial has its status, headers and body, and 403 by default', async () => {
    const proxy = await external('protocol: GRPC', rpc.port);
    rpc.decide = () => ({
      status: { code: 16 },
      denied_response: {
        status: { code: 401 },
        headers: [option('www-authenticate', 'Bearer'), option('x-bad', 'a\r\nb: c'), option('transfer-encoding', 'chunked')],
        body: 'who',
      },
    });
    const denied = await ask(proxy);
    expect(denied).toMatchObject({ status: 401, body: 'who', headers: { 'www-authenticate': 'Bearer' } });
    expect(denied.headers).not.toHaveProperty('x-bad');
    for (const decision of [
      { status: { code: 7 } },
      { status: { code: 7 }, ok_response: {} },
      { status: { code: 0 }, denied_response: { status: { code: 200 } } },
    ]) {
      rpc.decide = () => decision;
      expect((await ask(proxy)).status).toBe(403);
    }
    expect(seen).toEqual([]);
  });

  test('a decision that splits a header, or none at all, lets nothing through', async () => {
    const proxy = await external('protocol: GRPC', rpc.port);
    const open = await external('protocol: GRPC, onError: Open', rpc.port);
    rpc.decide = () => ({ status: { code: 0 }, ok_response: { headers: [option('x-user', 'a\r\nx-admin: 1')] } });
    expect([(await ask(proxy)).status, (await ask(open)).status]).toEqual([503, 503]);
    for (const decision of [{}, 14]) {
      rpc.decide = () => decision;
      expect([(await ask(proxy)).status, (await ask(open)).status]).toEqual([503, 200]);
    }
    expect(seen).toHaveLength(2);
  });

  test('a call is denied with a status that its caller understands', async () => {
    const proxy = await external('protocol: GRPC', rpc.port);
    const session = openSession(proxy.port);
    for (const [code, expected] of [
      [401, '16'],
      [403, '7'],
      [302, '7'],
    ] as const) {
      rpc.decide = () => ({ status: { code: 7 }, denied_response: { status: { code }, body: 'no' } });
      const answer = await requestH2(
        session,
        { ':method': 'POST', ':path': '/s/M', 'content-type': 'application/grpc', te: 'trailers' },
        Buffer.alloc(5),
      );
      expect(answer.headers).toMatchObject({ ':status': 200, 'grpc-status': expected });
    }
    session.destroy();
    expect(seen).toEqual([]);
  });

  test('a body that is no text goes as bytes', async () => {
    const proxy = await external('protocol: GRPC, body: { maxBytes: 1Ki }', rpc.port);
    await ask(proxy, '/', { method: 'POST', body: 'text' });
    await ask(proxy, '/', { method: 'POST', body: Buffer.from([0xff, 0]) });
    const [text, bytes] = rpc.questions.map(({ attributes }) => attributes.request.http);
    expect(text?.body).toBe('text');
    expect(bytes?.raw_body).toEqual(Buffer.from([0xff, 0]));
  });
});

describe('decisions are used again', () => {
  const user = (question: { readonly headers: http.IncomingHttpHeaders }): string =>
    (question.headers.authorization ?? '').replace('Bearer ', '');
  const byUser: HttpAuthorization['answer'] = (question, response) => {
    if (user(question) === '') return void response.writeHead(401).end();
    response.writeHead(200, { 'x-user': user(question) }).end();
  };

  test('for the same credentials only, whatever the key is', async () => {
    web.answer = byUser;
    const proxy = await external('headersToBackend: [x-user], cache: { parts: [Method], ttl: 1m }');
    for (const name of ['alice', 'bob', 'alice', 'bob']) await ask(proxy, `/${name}`, { headers: { authorization: `Bearer ${name}` } });
    expect((await ask(proxy)).status).toBe(401);
    expect(seen.map(({ headers }) => headers['x-user'])).toEqual(['alice', 'bob', 'alice', 'bob']);
    expect(web.questions.map(user)).toEqual(['alice', 'bob', '']);
  });

  test('by Cache-Control, and not with cookies', async () => {
    const proxy = await external('headersToClient: [set-cookie], cache: {}');
    const fields: http.OutgoingHttpHeaders[] = [
      {},
      { 'cache-control': 'no-store' },
      { 'cache-control': 'max-age=60', 'set-cookie': 's=1' },
    ];
    for (const headers of fields) {
      web.answer = (_, response) => void response.writeHead(200, headers).end();
      await ask(proxy);
      await ask(proxy);
    }
    expect(web.questions).toHaveLength(6);
    web.answer = (_, response) => void response.writeHead(200, { 'cache-control': 'max-age=60' }).end();
    await ask(proxy);
    await ask(proxy);
    expect(web.questions).toHaveLength(7);
    await ask(proxy, '/other');
    expect(web.questions).toHaveLength(8);
  });

  test('for requests at the same time, which ask once', async () => {
    const waiting: http.ServerResponse[] = [];
    web.answer = (_, response) => {
      waiting.push(response);
      setImmediate(() => waiting.splice(0).forEach((each) => each.end()));
    };
    const proxy = await external('cache: { ttl: 1m }');
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(proxy)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(web.questions).toHaveLength(1);
  });

  test('but not a failure', async () => {
    web.answer = (_, response) => void response.writeHead(500).end();
    const proxy = await external('cache: { ttl: 1m }');
    expect((await ask(proxy)).status).toBe(503);
    web.answer = (_, response) => void response.end();
    expect((await ask(proxy)).status).toBe(200);
  });
});

describe('in a tree', () => {
  test('another authenticator may accept what the service denies, without the headers of its decision', async () => {
    web.answer = (_, response) => void response.writeHead(200, { 'x-user': 'external' }).end();
    const tree = `{ anyOf: [{ allOf: [{ external: { ${REF}, headersToBackend: [x-user] } }, { apiKey: {} }] }, { external: { ${REF}, http: { path: /second } } }] }`;
    const proxy = await protectedBy(tree);
    expect((await ask(proxy)).status).toBe(200);
    expect(web.questions.map(({ url }) => url)).toEqual(['/', '/second']);
    expect(seen[0]?.headers).not.toHaveProperty('x-user');
  });
});

describe('the filter ExternalAuth', () => {
  test('asks over HTTP with a prefix, and copies headers of the decision', async () => {
    const proxy = await filtered('protocol: HTTP, http: { path: /auth, allowedHeaders: [x-tenant], allowedResponseHeaders: [x-user] }');
    web.answer = (_, response) => void response.writeHead(200, { 'x-user': 'alice', 'x-other': '1' }).end();
    await ask(proxy, '/a?b=1', {
      method: 'POST',
      body: 'hi',
      headers: { authorization: 'Bearer a', 'x-tenant': 't', 'x-user': 'mallory', cookie: 'c=1' },
    });
    expect(web.last).toMatchObject({
      method: 'POST',
      url: '/auth/a?b=1',
      headers: { authorization: 'Bearer a', 'x-tenant': 't', 'content-length': '0' },
    });
    expect(web.last?.headers).not.toHaveProperty('cookie');
    expect(seen).toMatchObject([{ url: '/a?b=1', body: 'hi', headers: { 'x-user': 'alice', cookie: 'c=1' } }]);
    expect(seen[0]?.headers).not.toHaveProperty('x-other');
    web.answer = (_, response) => void response.writeHead(204).end();
    expect((await ask(proxy)).status).toBe(403);
    web.answer = (_, response) => void response.writeHead(401).end('no');
    expect(await ask(proxy)).toMatchObject({ status: 401, body: 'no' });
  });

  test('copies all headers of the decision without a list, but none of its message', async () => {
    const proxy = await filtered('protocol: HTTP, http: {}, forwardBody: { maxSize: 4 }');
    web.answer = (_, response) =>
      void response.writeHead(200, { 'x-a': '1', 'content-type': 'text/odd', 'content-encoding': 'br', host: 'evil.test' }).end('x');
    await ask(proxy, '/', { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', host: 'app.test' } });
    expect(web.last).toMatchObject({ body: '{}', headers: { 'content-type': 'application/json' } });
    expect(seen).toMatchObject([{ body: '{}', headers: { 'x-a': '1', 'content-type': 'application/json', host: 'app.test' } }]);
    expect(seen[0]?.headers).not.toHaveProperty('content-encoding');
    expect((await ask(proxy, '/', { method: 'POST', body: '12345' })).status).toBe(413);
  });

  test('asks over gRPC', async () => {
    const proxy = await filtered('protocol: GRPC, grpc: { allowedHeaders: [x-tenant] }', rpc.port);
    rpc.decide = () => ({ status: { code: 0 }, ok_response: { headers: [option('x-user', 'alice')] } });
    await ask(proxy, '/a', { headers: { 'x-tenant': 't', cookie: 'c=1' } });
    expect(Object.keys(rpc.questions[0]?.attributes.request.http.headers ?? {}).sort()).toEqual([
      ':authority',
      ':method',
      ':path',
      ':scheme',
      'x-tenant',
    ]);
    expect(seen).toMatchObject([{ headers: { 'x-user': 'alice' } }]);
  });

  test('that refers to no service lets nothing through', async () => {
    const externalAuth = { protocol: 'HTTP', http: {}, backendRef: { name: 'absent', port: 80 } };
    const proxy = await startProxyFor(objects({ filters: [{ type: 'ExternalAuth', externalAuth }] }, []));
    proxies.push(proxy);
    expect(await ask(proxy)).toMatchObject({ status: 500 });
    expect(seen).toEqual([]);
  });
});
