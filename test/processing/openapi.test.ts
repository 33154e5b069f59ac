// OpenAPI documents, from the user's HTTPPolicy to the bytes that a client and a backend get.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { manifest, SecurityRig as PolicyRig } from '../security/rig.ts';
import { certified } from '../support/certified.ts';
import { closeAfterEach, get, openClient, openUpstream } from '../support/fixture.ts';
import { header, status, type Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';

closeAfterEach();

const PERSON = {
  type: 'object',
  required: ['name', 'age'],
  properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0 } },
};
const JSON_BODY = { required: true, content: { 'application/json': { schema: PERSON } } };
const DOCUMENT = {
  openapi: '3.1.0',
  paths: {
    '/people': { post: { requestBody: JSON_BODY } },
    '/people/{id}': {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
      get: { parameters: [{ name: 'limit', in: 'query', schema: { type: 'integer', maximum: 10 } }] },
    },
  },
};

function configMap(document: object | string): Manifest {
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'api', namespace: 'default' }, data: { 'openapi.yaml': text } };
}

function policy(settings: object = {}): Manifest {
  const openapi = { documentRef: { kind: 'ConfigMap', name: 'api', key: 'openapi.yaml' }, ...settings };
  return manifest('HTTPPolicy', 'api', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], openapi });
}

function start(settings: object = {}, document: object | string = DOCUMENT): Promise<PolicyRig> {
  return PolicyRig.start([configMap(document), policy(settings)]);
}

function post(body: string, headers = 'Content-Type: application/json\r\n', path = '/people'): string {
  return `POST ${path} HTTP/1.1\r\nHost: a\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

interface Problem {
  readonly code: string;
  readonly errors?: readonly object[];
}

function problem({ body }: Message): Problem {
  return JSON.parse(body) as Problem;
}

/** A document with so many alternatives for a body that their compilation takes long. */
function denseDocument(): object {
  const anyOf = Array.from({ length: 500 }, (_, i) => ({ properties: { a: { type: 'string', minLength: i + 1 } }, required: ['a'] }));
  const content = { 'application/json': { schema: { type: 'object', anyOf } } };
  return { ...DOCUMENT, paths: { ...DOCUMENT.paths, '/dense': { post: { requestBody: { required: true, content } } } } };
}

test('other requests are answered while the schemas of a dense document are compiled', async () => {
  const rig = await start({}, denseDocument());
  let [isOver, others] = [false, 0];
  const dense = rig.ask(post('{"a":"b"}', 'Content-Type: application/json\r\n', '/dense')).finally(() => (isOver = true));
  while (!isOver) others += status(await rig.ask(get('/none'))) === 404 ? 1 : 0;
  expect([status(await dense), others > 2]).toEqual([200, true]);
  expect(status(await rig.ask(post('{"a":""}', 'Content-Type: application/json\r\n', '/dense')))).toBe(400);
});

describe('a request that fits', () => {
  test('reaches the backend as it is', async () => {
    const rig = await start();
    const body = '{ "name": "a", "age": 1 }';
    expect(status(await rig.ask(post(body)))).toBe(200);
    expect(rig.upstream.requests.at(-1)?.body).toBe(body);
    expect(status(await rig.ask(get('/people/7?limit=10&other=x')))).toBe(200);
  });

  test('may come in chunks, and may wait for a 100', async () => {
    const rig = await start();
    const client = await openClient(rig.proxy.port);
    client.write(
      'POST /people HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n',
    );
    expect(status(await client.answer())).toBe(100);
    client.write('9\r\n{"name":"\r\n');
    client.write('a\r\na","age":1\r\n1\r\n}\r\n0\r\n\r\n');
    expect(status(await client.answer())).toBe(200);
  });
});

describe('a request that does not fit', () => {
  test('gets a problem that names every fault, and reaches no backend', async () => {
    const rig = await start();
    const answer = await rig.ask(post('{"age":-1}'));
    expect([status(answer), header(answer, 'content-type')]).toEqual([400, 'application/problem+json']);
    expect(problem(answer)).toMatchObject({
      code: 'request_invalid',
      errors: [
        { in: 'body', pointer: '/name', reason: 'is required' },
        { in: 'body', pointer: '/age', reason: 'must be >= 0' },
      ],
    });
    const query = await rig.ask(get('/people/x?limit=11'));
    expect(problem(query).errors).toEqual([
      { in: 'path', name: 'id', reason: 'must be integer' },
      { in: 'query', name: 'limit', reason: 'must be <= 10' },
    ]);
    expect(rig.upstream.requests).toEqual([]);
  });

  test.each<[string, string, number, string | undefined, string, string | undefined]>([
    ['an unknown path', get('/other'), 404, 'path_undocumented', 'allow', undefined],
    ['an unknown method', get('/people'), 405, 'method_undocumented', 'allow', 'POST'],
    ['an unknown type', post('{}', 'Content-Type: text/plain\r\n'), 415, 'media_type_refused', 'accept', 'application/json'],
    ['no type', post('{}', ''), 415, 'media_type_refused', 'accept', 'application/json'],
    [
      'two types',
      post('{}', 'Content-Type: application/json\r\nContent-Type: text/plain\r\n'),
      415,
      'media_type_refused',
      'accept',
      'application/json',
    ],
    [
      'a coding',
      post('{}', 'Content-Type: application/json\r\nContent-Encoding: gzip\r\n'),
      415,
      'content_coding_refused',
      'allow',
      undefined,
    ],
    ['no body', post(''), 400, 'request_invalid', 'allow', undefined],
    ['a name twice', post('{"name":"a","age":1,"age":-1}'), 400, 'request_invalid', 'allow', undefined],
    ['no JSON', post('{"name":'), 400, 'request_invalid', 'allow', undefined],
    ['endless depth', post('['.repeat(100_000)), 400, 'request_invalid', 'allow', undefined],
    ['a body beyond the limit', post(`{"name":"${'a'.repeat(2_000)}","age":1}`), 413, 'request_body_too_large', 'allow', undefined],
    ['the type of gRPC', post('{}', 'Content-Type: application/grpc\r\n'), 200, undefined, 'grpc-status', '12'],
  ])('because of %s is refused', async (...row) => {
    const [, bytes, code, error, name, value] = row;
    const rig = await start({ maxBodySize: bytes.includes('[[') ? '1Mi' : 1_000 });
    const answer = await rig.ask(bytes);
    expect([status(answer), header(answer, name)]).toEqual([code, value]);
    if (error !== undefined) expect(problem(answer).code).toBe(error);
    expect(rig.upstream.requests).toEqual([]);
  });

  test('passes where the policy reports only, and unknown paths where it lets them', async () => {
    const rig = await start({ request: 'Report' });
    expect(status(await rig.ask(post('{}')))).toBe(200);
    expect(status(await rig.ask(get('/other')))).toBe(200);
    await rig.change([policy({ unknownPaths: 'Pass' })]);
    expect(status(await rig.ask(get('/other')))).toBe(200);
    expect(status(await rig.ask(post('{}')))).toBe(400);
    await rig.change([policy({ request: 'Off' })]);
    expect(status(await rig.ask(post('{}')))).toBe(200);
  });

  test('is refused below another base', async () => {
    const rig = await start({ basePath: '/v1' });
    expect(status(await rig.ask(post('{}', undefined, '/v1/people')))).toBe(400);
    expect(status(await rig.ask(post('{}')))).toBe(404);
  });

  test('has no more than 32 faults listed', async () => {
    const items = { type: 'array', items: { type: 'integer' } };
    const rig = await start(
      {},
      { openapi: '3.0.3', paths: { '/people': { post: { requestBody: { content: { 'application/json': { schema: items } } } } } } },
    );
    const answer = await rig.ask(post(JSON.stringify(Array.from({ length: 100 }, () => 'a'))));
    expect(problem(answer).errors).toHaveLength(32);
    expect(answer.body).toContain('"furtherErrors":68');
  });
});

describe('an answer', () => {
  const answers = {
    '200': { content: { 'application/json': { schema: PERSON } }, headers: { 'X-Count': { required: true, schema: { type: 'integer' } } } },
    '4XX': {},
  };
  const document = { openapi: '3.1.0', paths: { '/people/{id}': { get: { responses: answers } }, '/free': { get: {} } } };

  function answer(body: string, head = 'content-type: application/json\r\nx-count: 1\r\n', code = 200): string {
    return `HTTP/1.1 ${code} X\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  }

  test('that fits passes, and its backend sends it plain', async () => {
    const rig = await start({ response: 'Refuse' }, document);
    const body = '{"name":"a","age":1}';
    rig.upstream.become(answer(body));
    const got = await rig.ask(get('/people/1', 'Accept-Encoding: gzip\r\n'));
    expect([status(got), got.body]).toEqual([200, body]);
    expect(header(rig.upstream.requests[0] as Message, 'accept-encoding')).toBeUndefined();
    rig.upstream.become(answer('not there', '', 404));
    expect(status(await rig.ask(get('/people/1')))).toBe(404);
    rig.upstream.become(answer('anything', ''));
    expect(status(await rig.ask(get('/free')))).toBe(200);
  });

  test('that a cache keeps is checked too, and in whole', async () => {
    const cache = manifest('HTTPPolicy', 'cache', { targetRefs: [{ kind: 'Gateway', name: 'gw' }], cache: { store: 'Memory' } });
    const rig = await PolicyRig.start([configMap(document), policy(), cache]);
    rig.upstream.become(answer('{"name":"a"}', 'content-type: application/json\r\nx-count: 1\r\ncache-control: max-age=60\r\n'));
    expect(status(await rig.ask(get('/people/1')))).toBe(200);
    await rig.change([policy({ response: 'Refuse' })]);
    expect(status(await rig.ask(get('/people/1')))).toBe(502);
    expect(status(await rig.ask(get('/people/1', 'Range: bytes=0-3\r\n')))).toBe(502);
    expect(rig.upstream.requests).toHaveLength(1);
  });

  test.each([
    ['its body', answer('{"name":"a"}')],
    ['a name twice', answer('{"name":"a","age":1,"age":2}')],
    ['its status', answer('', '', 500)],
    ['a missing header', answer('{"name":"a","age":1}', 'content-type: application/json\r\n')],
    ['a header', answer('{"name":"a","age":1}', 'content-type: application/json\r\nx-count: a\r\n')],
    ['its type', answer('<a/>', 'content-type: text/xml\r\nx-count: 1\r\n')],
    ['a coding', answer('{}', 'content-type: application/json\r\nx-count: 1\r\ncontent-encoding: gzip\r\n')],
    ['its size', answer(`{"name":"${'a'.repeat(2_000)}","age":1}`)],
  ])('that does not fit because of %s is refused or passes', async (_, bytes) => {
    const rig = await start({ response: 'Refuse', maxAnswerSize: 1_000 }, document);
    rig.upstream.become(bytes);
    const refused = await rig.ask(get('/people/1'));
    expect([status(refused), problem(refused)]).toEqual([502, expect.objectContaining({ code: 'answer_invalid' })]);
    expect(refused.body).not.toContain('errors');
    await rig.change([policy({ response: 'Report', request: 'Off', maxAnswerSize: 1_000 })]);
    expect((await rig.ask(get('/people/1'))).body).toBe(bytes.split('\r\n\r\n')[1]);
  });
});

describe('a mock', () => {
  const schema = {
    type: 'object',
    properties: {
      name: { type: 'string' },
      born: { type: 'string', format: 'date' },
      age: { type: 'integer', exclusiveMinimum: 17 },
      tags: { type: 'array', items: { enum: ['a', 'b'] } },
    },
  };
  const examples = { one: { value: { name: 'One' } }, two: { value: { name: 'Two' } } };
  const responses = {
    '201': {
      headers: { 'X-Count': { schema: { type: 'integer', minimum: 3 } } },
      content: { 'application/json': { schema }, 'text/plain': { example: 'plain' } },
    },
    '404': { content: { 'application/problem+json': { examples } } },
    '204': {},
  };
  const document = {
    openapi: '3.1.0',
    paths: {
      '/mock': { post: { requestBody: JSON_BODY, responses }, get: { responses: { '204': responses['204'], '404': responses['404'] } } },
    },
  };
  const fit = (headers: string): string => post('{"name":"a","age":1}', `Content-Type: application/json\r\n${headers}`, '/mock');

  test('answers a request that fits by the schema, always the same', async () => {
    const rig = await start({ mock: 'Enabled' }, document);
    for (let round = 0; round < 2; round++) {
      const got = await rig.ask(fit(''));
      expect([status(got), header(got, 'content-type'), header(got, 'x-count')]).toEqual([201, 'application/json', '3']);
      expect(JSON.parse(got.body)).toEqual({ name: 'string', born: '2024-01-01', age: 18, tags: ['a'] });
    }
    expect(status(await rig.ask(post('{}', undefined, '/mock')))).toBe(400);
    expect(status(await rig.ask(get('/mock')))).toBe(204);
    expect(rig.upstream.requests).toEqual([]);
  });

  test('follows the preferences of the client', async () => {
    const rig = await start({ mock: 'Enabled' }, document);
    expect((await rig.ask(fit('Accept: text/plain\r\n'))).body).toBe('plain');
    const first = await rig.ask(fit('Prefer: code=404\r\n'));
    expect([status(first), first.body, header(first, 'preference-applied')]).toEqual([404, '{"name":"One"}', 'code=404']);
    const named = await rig.ask(fit('Prefer: code="404", example=two\r\n'));
    expect([status(named), named.body, header(named, 'preference-applied')]).toEqual([404, '{"name":"Two"}', 'code=404, example=two']);
    expect(status(await rig.ask(fit('Prefer: code=999; example=x\r\n')))).toBe(201);
  });
});

describe('a document', () => {
  test('with faults is named in the status, with lines, and lets nothing pass', async () => {
    const rig = await start({}, 'openapi: 3.1.0\npaths:\n  /people:\n    post: {requestBody: {$ref: "#/x"}}\n');
    expect(rig.condition('api', 'ResolvedRefs', 'HTTPPolicy')).toBe(
      'False InvalidDocument: spec.openapi.documentRef: entry openapi.yaml of ConfigMap/default/api: line 4 (/paths/~1people/post/requestBody/$ref) refers to #/x, which does not exist',
    );
    expect(problem(await rig.ask(post('{}'))).code).toBe('document_unresolved');
  });

  test('that is missing lets nothing pass', async () => {
    const rig = await PolicyRig.start([policy()]);
    expect(rig.condition('api', 'ResolvedRefs', 'HTTPPolicy')).toMatch(/^False NotFound: /);
    expect(status(await rig.ask(get('/people/1')))).toBe(500);
  });

  test('applies to the next request after a change, and stays while the new one has faults', async () => {
    const rig = await start();
    expect(status(await rig.ask(get('/people/x')))).toBe(400);
    const paths = { '/people/{id}': { get: {} } };
    await rig.change([configMap({ openapi: '3.0.0', paths })]);
    expect(status(await rig.ask(get('/people/x')))).toBe(200);
    await rig.change([configMap('openapi: 2')]);
    expect(rig.condition('api', 'ResolvedRefs', 'HTTPPolicy')).toMatch(/^False InvalidDocument: /);
    expect(status(await rig.ask(get('/people/x')))).toBe(200);
    expect(status(await rig.ask(get('/other')))).toBe(404);
    await rig.change([configMap(DOCUMENT)]);
    expect(status(await rig.ask(get('/people/x')))).toBe(400);
  });
});

const CA = { configMapRef: { name: 'authority' }, key: 'ca.crt' };

/** Services there are permitted although they lead to the machine itself. */
const LOOPBACK = { address: '127.0.0.0', bits: 8, version: 4 } as const;

describe('a document at a URL', () => {
  function at(uri: string, settings: object = {}): Manifest {
    return manifest('HTTPPolicy', 'api', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], openapi: { uri, ...settings } });
  }

  test('is read before the first request, and stays while its server is away', async () => {
    const server = await openUpstream(
      `HTTP/1.1 200 X\r\ncontent-length: ${JSON.stringify(DOCUMENT).length}\r\n\r\n${JSON.stringify(DOCUMENT)}`,
    );
    const rig = await PolicyRig.start([at(`http://127.0.0.1:${server.port}/openapi.json`)], {}, { allowedServices: [LOOPBACK] });
    expect(status(await rig.ask(get('/people/x')))).toBe(400);
    expect(status(await rig.ask(get('/people/1')))).toBe(200);
    await server.close();
    expect(status(await rig.ask(get('/people/x')))).toBe(400);
    expect(server.requests.map(({ startLine }) => startLine)).toEqual(['GET /openapi.json HTTP/1.1']);
  });

  describe('over TLS', () => {
    const server = https.createServer((_, response) => response.setHeader('connection', 'close').end(JSON.stringify(DOCUMENT)));
    const own = certified('IP:127.0.0.1');
    const other = certified('IP:127.0.0.1');
    const authority = (file: string): Manifest => ({
      ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'authority', namespace: 'default' } },
      data: { 'ca.crt': readFileSync(file, 'utf8') },
    });
    let uri = '';
    beforeAll(async () => {
      server.setSecureContext({ cert: readFileSync(own.files.certificate), key: readFileSync(own.files.privateKey) });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      uri = `https://127.0.0.1:${(server.address() as AddressInfo).port}/openapi.json`;
    });
    afterAll(() => void server.close());

    test.each<[string, () => readonly Manifest[], object, number]>([
      ['of the CA of the policy', () => [authority(own.files.ca)], { ca: CA }, 400],
      ['of another CA', () => [authority(other.files.ca)], { ca: CA }, 500],
      ['of a CA that is missing', () => [], { ca: CA }, 500],
      ['of a CA that the platform does not know', () => [], {}, 500],
    ])('with a certificate %s', async (_, objects, settings, expected) => {
      const rig = await PolicyRig.start([...objects(), at(uri, settings)], {}, { allowedServices: [LOOPBACK] });
      expect(status(await rig.ask(get('/people/x')))).toBe(expected);
      expect(rig.upstream.requests).toEqual([]);
    });
  });

  test.each([
    ['that is none', 'HTTP/1.1 200 X\r\ncontent-length: 2\r\n\r\n{}', 1],
    ['that is missing', 'HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n', 1],
    ['behind a redirect', 'HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n', 1],
    ['at an address that is not permitted', '', 0],
  ])('%s lets nothing pass', async (_, bytes, asked) => {
    const allowedServices = asked === 0 ? [] : [LOOPBACK];
    const server = await openUpstream(bytes);
    const rig = await PolicyRig.start([at(`http://127.0.0.1:${server.port}/`)], {}, { allowedServices });
    expect(problem(await rig.ask(get('/people/1'))).code).toBe('document_unresolved');
    expect([server.requests.length, rig.upstream.requests.length]).toEqual([asked, 0]);
    await rig.change([at(`http://127.0.0.1:${server.port}/`, { request: 'Report' })]);
    expect(status(await rig.ask(get('/people/1')))).toBe(200);
  });
});

describe('an invalid policy', () => {
  test.each([
    ['with an unknown value', { openapi: { documentRef: { kind: 'ConfigMap', name: 'api', key: 'a' }, request: 'enforce' } }],
    ['with two documents', { openapi: { documentRef: { kind: 'ConfigMap', name: 'api', key: 'a' }, uri: 'http://a/' } }],
    ['with a fault in another group', { openapi: { uri: 'http://a/' }, compression: { minSize: 'much' } }],
    ['with a document that is none', { openapi: 'openapi.yaml' }],
  ])('%s lets nothing pass, and says so', async (_, settings) => {
    const invalid = manifest('HTTPPolicy', 'api', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], ...settings });
    const rig = await PolicyRig.start([invalid]);
    const answer = await rig.ask(get('/people/1'));
    expect([status(answer), problem(answer).code, rig.upstream.requests]).toEqual([500, 'policy_unresolved', []]);
    expect(rig.condition('api', 'Accepted', 'HTTPPolicy')).toMatch(
      /^False Invalid: spec\..*; its targets answer 500 \(policy_unresolved\) until the policy is valid$/,
    );
    await rig.change([configMap(DOCUMENT), policy()]);
    expect(status(await rig.ask(get('/people/1')))).toBe(200);
    await rig.change([invalid]);
    expect([400, 500]).toContain(status(await rig.ask(get('/people/x'))));
  });

  test('without a document has no effect', async () => {
    const rig = await PolicyRig.start([
      manifest('HTTPPolicy', 'api', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], compression: { minSize: 'much' } }),
    ]);
    expect(status(await rig.ask(get('/')))).toBe(200);
  });
});

test('a policy without a document is refused, unless it turns the check off', () => {
  const reasons = (openapi: object): readonly string[] => {
    const validated = validateObject(manifest('HTTPPolicy', 'api', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], openapi }), {
      strict: true,
    });
    return validated.ok ? [] : validated.error.map(describeError);
  };
  expect(reasons({})).toEqual(['spec.openapi: must have documentRef or uri, unless all of it is Off']);
  expect(reasons({ request: 'Off' })).toEqual([]);
  const documentRef = { kind: 'ConfigMap', name: 'api', key: 'a' };
  expect(reasons({ documentRef, uri: 'http://a/', ca: { configMapRef: { name: 'a' }, key: 'a' } })).toEqual([
    'spec.openapi.uri: cannot be set together with documentRef: remove one of them',
  ]);
});
