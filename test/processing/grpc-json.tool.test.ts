// gRPC-JSON in front of a grpc-go server: what the server is told, and what the client gets.
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import path from 'node:path';
import { describeFiles, GoServer, PROTOBUF_PEER } from '../protobuf/protobuf-peer.ts';
import { manifest, securityPolicy, SecurityRig as PolicyRig } from '../security/rig.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach } from '../support/fixture.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { openSession, request } from '../support/h2-client.ts';
import type { Manifest } from '../support/objects.ts';

closeAfterEach();

const PROTOS = path.join(import.meta.dirname, '../protobuf/protos');
const FILES = ['library.proto'];
const JSON_TYPE = { 'content-type': 'application/json' };
const DESCRIPTORS = { configMapRef: { name: 'descriptors' }, key: 'library.pb' };

interface Told {
  readonly method: string;
  readonly requests: readonly string[];
  readonly header?: string;
  readonly deadline?: string;
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

describeWith(['go'], 'gRPC-JSON', () => {
  let set: Buffer;
  let server: GoServer;
  let rig: PolicyRig;

  beforeAll(async () => {
    buildGoTool(PROTOBUF_PEER);
    set = describeFiles(PROTOS, FILES);
    server = await GoServer.start(PROTOS, FILES);
  }, 240_000);
  afterAll(() => server.stop());

  const configMap = (bytes: Buffer = set): Manifest => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'descriptors', namespace: 'default' },
    binaryData: { 'library.pb': bytes.toString('base64') },
  });
  const policy = (settings: object = {}, others: object = {}): Manifest =>
    manifest('HTTPPolicy', 'json', {
      targetRefs: [{ kind: 'HTTPRoute', name: 'app' }],
      grpcJson: { descriptors: DESCRIPTORS, services: ['library.Library'], ...settings },
      ...others,
    });

  beforeEach(async () => {
    const backend = manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: server.port }] });
    rig = await PolicyRig.start([configMap(), policy(), backend]);
  });

  async function ask(target: string, options: RequestInit = {}): Promise<Answer> {
    const answer = await fetch(`http://127.0.0.1:${rig.proxy.port}${target}`, options);
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  }
  const post = (target: string, body: unknown, headers: Record<string, string> = {}, method = 'POST'): Promise<Answer> =>
    ask(target, { method, headers: { ...JSON_TYPE, ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
  const toldBy = ({ status, text }: Answer): { readonly method: string; readonly requests: readonly unknown[] } => {
    if (status !== 200) throw new Error(`${status} ${text}`);
    const { method, requests = [] } = JSON.parse(text) as Told;
    return { method: method.replace('library.Library.', ''), requests: requests.map((each) => JSON.parse(each) as unknown) };
  };
  const failure = ({ status, text }: Answer): unknown[] => {
    const { code, message } = JSON.parse(text) as { code: number; message: string };
    return [status, code, message];
  };

  test.each<[string, string, string, object]>([
    ['a template', '/v1/shelves/a', 'GetShelf', { name: 'shelves/a' }],
    ['an additional binding', '/v1/shelf/a%2Fb%20c', 'GetShelf', { name: 'a/b c' }],
    ['all that is left of a path', '/v1/any/a/b%2fc/d', 'GetShelf', { name: 'a/b%2Fc/d' }],
    ['nothing that is left', '/v1/any', 'GetShelf', {}],
    ['a parameter', '/v1/shelves/a?full=true', 'GetShelf', { name: 'shelves/a', full: true }],
    [
      'lists, enums and numbers',
      '/v1/books?page_size=5&genres=NOVEL&genres=2&numbers=1&numbers=-2',
      'ListBooks',
      { pageSize: 5, genres: ['NOVEL', 'POEM'], numbers: ['1', '-2'] },
    ],
    [
      'fields of messages',
      '/v1/books?like.title=a+b%26&like.pages=9&like.published=2026-01-01T00:00:00Z&like.cents=3',
      'ListBooks',
      { like: { title: 'a b&', pages: '9', published: '2026-01-01T00:00:00Z', cents: 3 } },
    ],
    ['types with a form of their own', '/v1/books?mask=a,bC&stocked=false', 'ListBooks', { mask: 'a,bC', stocked: false }],
    ['path and query', '/v1/shelves/x/books?pageSize=1', 'ListBooks', { parent: 'shelves/x', pageSize: 1 }],
  ])('%s of a request are fields', async (_, target, method, request) => {
    expect(toldBy(await ask(target))).toEqual({ method, requests: [request] });
  });

  test('bodies are messages, or fields of them, and the path has priority', async () => {
    const book = { title: 'é', genre: 'POEM', pages: '9007199254740993', authors: ['a', 'b'], free: true };
    expect(toldBy(await post('/v1/shelves/a/books', { ...book, name: 'other' }))).toEqual({
      method: 'CreateBook',
      requests: [{ ...book, name: 'shelves/a' }],
    });
    const changed = await post('/v1/shelves/a?mask=theme', { theme: 'x', first_book: { pages: 7 } }, {}, 'PATCH');
    expect(toldBy(changed)).toEqual({
      method: 'ChangeShelf',
      requests: [{ shelf: { name: 'shelves/a', theme: 'x', firstBook: { pages: '7' } }, mask: 'theme' }],
    });
    expect(toldBy(await post('/v1/books:search', { pageSize: 3 }))).toEqual({ method: 'ListBooks', requests: [{ pageSize: 3 }] });
    expect(toldBy(await ask('/v1/shelves/a:fetch', { method: 'FETCH' }))).toEqual({
      method: 'GetShelf',
      requests: [{ name: 'shelves/a' }],
    });
  });

  test('metadata and deadlines reach the backend, and what belongs to the form of the answer does not', async () => {
    const headers = { 'x-test': 'hello', 'grpc-timeout': '5S', accept: 'application/json' };
    const { text } = await ask('/v1/shelves/a', { headers });
    expect(JSON.parse(text)).toMatchObject({ header: 'hello', deadline: 'yes' });
    const late = await post('/v1/watch', { say: { answer: '{}', count: 3, pause: 2_000 } }, { 'grpc-timeout': '100m' });
    expect(late.text).toContain('{"error":{"code":4,');
  });

  test('answers have the JSON of protobuf, or that of the policy', async () => {
    const say = {
      answer: '{"text":"","number":"5","genre":"NOVEL","books":[{"firstBook":1}]}'.replace('{"firstBook":1}', '{"pages":1}'),
      count: 1,
    };
    const answer = await post('/v1/say', { say });
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('x-said'), answer.headers.get('grpc-status')]).toEqual([
      200,
      'application/json',
      'yes',
      null,
    ]);
    expect(JSON.parse(answer.text)).toEqual({ number: '5', books: [{ pages: '1' }], genre: 'NOVEL' });
    expect(Number(answer.headers.get('content-length'))).toBe(answer.text.length);
    expect((await post('/v1/say/books', { say })).text).toBe('[{"pages":"1"}]');
    await rig.change([policy({ defaults: 'Print', fieldNames: 'Original', enums: 'Numbers', unknownFields: 'Ignore' })]);
    expect(JSON.parse((await post('/v1/say?ignored=1', { say, unknown: [{}] })).text)).toEqual({
      text: '',
      number: '5',
      genre: 1,
      books: [{ name: '', title: '', genre: 0, pages: '1', authors: [] }],
    });
    expect((await ask('/v1/shelves/a', { method: 'DELETE' })).text).toBe('{}');
  });

  test('a status is that of HTTP with the status of gRPC as body', async () => {
    const details = [
      { '@type': 'type.googleapis.com/library.Book', title: 'why' },
      { '@type': 'type.googleapis.com/google.protobuf.BoolValue', value: true },
    ];
    const answer = await post('/v1/say', { say: { code: 5, message: 'nicht gefunden: é%', details } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([404, 'application/json']);
    expect(JSON.parse(answer.text)).toEqual({ code: 5, message: 'nicht gefunden: é%', details });
    for (const [code, status] of [
      [1, 499],
      [3, 400],
      [7, 403],
      [8, 429],
      [12, 501],
      [16, 401],
    ] as const)
      expect((await post('/v1/say', { say: { code } })).status).toBe(status);
    expect(failure(await post('/v1/say', { say: { answer: '{}', count: 2 } }))).toEqual([502, 13, expect.any(String)]);
    expect(failure(await post('/v1/say', { say: { count: 0 } }))).toEqual([502, 13, expect.any(String)]);
  });

  test('streams are lines or events, each message when it comes', async () => {
    const body = JSON.stringify({ say: { answer: '{"text":"$i\\n","number":"$i"}', count: 2, pause: 60_000 } });
    const streamed = await fetch(`http://127.0.0.1:${rig.proxy.port}/v1/watch`, { method: 'POST', headers: JSON_TYPE, body });
    const reader = streamed.body!.getReader();
    expect([streamed.status, streamed.headers.get('content-type')]).toEqual([200, 'application/x-ndjson']);
    expect(Buffer.from((await reader.read()).value!).toString()).toBe('{"text":"0\\n"}\n');
    await reader.cancel();
    const say = { say: { answer: '{"number":"$i"}', count: 2, code: 9, message: 'no more' } };
    const lines = await post('/v1/watch', say);
    expect(lines.text).toBe('{}\n{"number":"1"}\n{"error":{"code":9,"message":"no more","details":[]}}\n');
    const events = await post('/v1/watch', say, { accept: 'text/event-stream' });
    expect(events.headers.get('content-type')).toBe('text/event-stream');
    expect(events.text).toBe('data: {}\n\ndata: {"number":"1"}\n\nevent: error\ndata: {"code":9,"message":"no more","details":[]}\n\n');
    expect(failure(await post('/v1/watch', { say: { code: 7, message: 'never' } }))).toEqual([403, 7, 'never']);
  });

  test('lines of a request are messages of a client stream', async () => {
    const lines = { 'content-type': 'application/x-ndjson' };
    const added = await post('/v1/shelves/a/books:add', '{"title":"1"}\n\n  \r\n{"title":"2"}\n{"pages":3}', lines);
    const name = 'shelves/a';
    expect(toldBy(added)).toEqual({
      method: 'Add',
      requests: [
        { name, title: '1' },
        { name, title: '2' },
        { name, pages: '3' },
      ],
    });
    expect(toldBy(await post('/v1/shelves/a/books:add', '{"title":\n"1"}'))).toEqual({ method: 'Add', requests: [{ name, title: '1' }] });
    expect(toldBy(await ask('/v1/shelves/a/books:add', { method: 'POST' }))).toEqual({ method: 'Add', requests: [] });
    const talk = await post('/v1/talk', '{"title":"1"}\n{"title":"2"}\n', lines);
    expect(
      talk.text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as Told).requests),
    ).toEqual([['{"title":"1"}'], ['{"title":"2"}']]);
    expect(failure(await post('/v1/shelves/a/books:add', '{"title":"1"}\n{"title":2}\n', lines))).toEqual([400, 3, expect.any(String)]);
  });

  test('HttpBody is a body of any type', async () => {
    const data = Buffer.from([0, 1, 255, 10]);
    const file = JSON.stringify({ contentType: 'image/x-test', data: data.toString('base64') });
    const whole = await fetch(`http://127.0.0.1:${rig.proxy.port}/v1/download`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ say: { answer: file, count: 1 } }),
    });
    expect([whole.status, whole.headers.get('content-type'), Buffer.from(await whole.arrayBuffer())]).toEqual([200, 'image/x-test', data]);
    const parts = await fetch(`http://127.0.0.1:${rig.proxy.port}/v1/download:parts`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: JSON.stringify({ say: { answer: file, count: 2 } }),
    });
    expect([parts.headers.get('content-type'), Buffer.from(await parts.arrayBuffer())]).toEqual([
      'image/x-test',
      Buffer.concat([data, data]),
    ]);
    const upload = { headers: { 'content-type': 'image/x-test' }, body: data };
    expect(toldBy(await ask('/v1/files/f', { method: 'PUT', ...upload }))).toEqual({
      method: 'Upload',
      requests: [{ name: 'f', file: JSON.parse(file) as object }],
    });
    expect(toldBy(await ask('/v1/files/f', { method: 'POST', ...upload }))).toEqual({
      method: 'UploadParts',
      requests: [{ name: 'f', file: JSON.parse(file) as object }],
    });
  });

  test.each<[string, string, RequestInit, number, number]>([
    ['an unknown path', '/v2', {}, 404, 12],
    ['an unknown method', '/v1/shelves/a', { method: 'PUT' }, 405, 12],
    ['a service that is not served', '/v1/hidden', {}, 404, 12],
    ['the path of a method', '/library.Library/Unbound', { method: 'POST', body: '{}', headers: JSON_TYPE }, 404, 12],
    ['JSON that is cut off', '/v1/say', { method: 'POST', body: '{', headers: JSON_TYPE }, 400, 3],
    ['JSON of another type', '/v1/say', { method: 'POST', body: '[]', headers: JSON_TYPE }, 400, 3],
    ['an unknown field', '/v1/say', { method: 'POST', body: '{"x":1}', headers: JSON_TYPE }, 400, 3],
    ['bytes that are no UTF-8', '/v1/say', { method: 'POST', body: Buffer.from('{"name":"\xff"}', 'latin1'), headers: JSON_TYPE }, 400, 3],
    ['two values of a oneof', '/v1/shelves/a/books', { method: 'POST', body: '{"cents":1,"free":true}', headers: JSON_TYPE }, 400, 3],
    ['JSON that is nested too deeply', '/v1/say', { method: 'POST', body: '['.repeat(100_000), headers: JSON_TYPE }, 400, 3],
    ['a form', '/v1/say', { method: 'POST', body: new URLSearchParams({ name: 'x' }) }, 415, 12],
    ['plain text', '/v1/say', { method: 'POST', body: '{}', headers: { 'content-type': 'text/plain' } }, 415, 12],
    ['a coding', '/v1/say', { method: 'POST', body: '{}', headers: { ...JSON_TYPE, 'content-encoding': 'gzip' } }, 415, 12],
    [
      'a body that is too large',
      '/v1/say',
      { method: 'POST', body: JSON.stringify({ name: 'x'.repeat(4_200_000) }), headers: JSON_TYPE },
      413,
      8,
    ],
    ['an unknown parameter', '/v1/books?x=1', {}, 400, 3],
    ['a parameter beside a whole body', '/v1/books:search?page_size=1', { method: 'POST', body: '{}', headers: JSON_TYPE }, 400, 3],
    ['a parameter of another type', '/v1/books?page_size=a', {}, 400, 3],
    ['a parameter of a map', '/v1/books?labels.a=b', {}, 400, 3],
    ['two parameters of a oneof', '/v1/books?like.cents=1&like.free=true', {}, 400, 3],
    ['a parameter with an invalid encoding', '/v1/books?like.title=%zz', {}, 400, 3],
    ['a path with an invalid encoding', '/v1/shelf/%ff', {}, 400, 3],
  ])('%s is refused', async (_, target, options, status, code) => {
    expect(failure(await ask(target, options))).toEqual([status, code, expect.any(String)]);
  });

  test('a message that is too large for the policy ends the call', async () => {
    await rig.change([policy({ maxMessageSize: 200 })]);
    const say = { answer: JSON.stringify({ text: 'x'.repeat(10) }), count: 1 };
    expect((await post('/v1/say', { say })).status).toBe(200);
    await rig.change([policy({ maxMessageSize: 90 })]);
    expect(failure(await post('/v1/say', { say: { ...say, message: 'x'.repeat(99) } }))).toEqual([413, 8, expect.any(String)]);
    const large = { answer: '{"books":[{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}', count: 1 };
    await rig.change([policy({ maxMessageSize: 95 })]);
    expect((await post('/v1/say', { say: large })).status).toBe(200);
  });

  test('method paths are bindings of all methods, if the policy says so', async () => {
    await rig.change([policy({ methodPaths: 'Enabled', services: undefined })]);
    expect(toldBy(await post('/library.Library/Unbound', { title: 'a' }))).toEqual({ method: 'Unbound', requests: [{ title: 'a' }] });
    expect(toldBy(await ask('/v1/hidden'))).toEqual({ method: 'library.Hidden.Get', requests: [{}] });
  });

  test('errors of the proxy are statuses too, and pages take their place where there are some', async () => {
    await rig.change([manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port: 1 }] })]);
    expect(failure(await ask('/v1/shelves/a'))).toEqual([502, 14, expect.any(String)]);
    await rig.change([securityPolicy('deny', { authorization: { default: 'Deny' } })]);
    expect((await ask('/v1/shelves/a')).headers.get('content-type')).toBe('application/problem+json');
  });

  test('answers are compressed, stored and changed as JSON', async () => {
    const settings = {
      compression: { minSize: 1 },
      cache: { defaultTtl: '60s' },
      response: { headers: { set: [{ name: 'x-kind', value: "'json'" }] } },
    };
    await rig.change([policy({}, settings)]);
    const first = await ask('/v1/shelves/a?full=true', { headers: { 'accept-encoding': 'gzip' } });
    expect([first.status, first.headers.get('content-encoding'), first.headers.get('x-kind')]).toEqual([200, 'gzip', 'json']);
    const second = await ask('/v1/shelves/a?full=true', { headers: { 'accept-encoding': 'gzip' } });
    expect([second.status, second.headers.get('cache-status')]).toEqual([200, expect.stringContaining('hit')]);
    expect(second.text).toBe(first.text);
    const head = await ask('/v1/shelves/b', { method: 'HEAD' });
    expect([head.status, head.text]).toEqual([200, '']);
  });

  test('clients of HTTP/2 may call with and without a body', async () => {
    const session = openSession(rig.proxy.port);
    const told = async (headers: Record<string, string>, body?: Buffer): Promise<unknown> =>
      JSON.parse((await request(session, headers, body)).body.toString()) as unknown;
    expect(await told({ ':method': 'GET', ':path': '/v1/shelves/a' })).toMatchObject({ requests: ['{"name":"shelves/a"}'] });
    const posted = { ':method': 'POST', ':path': '/v1/shelves/a/books', ...JSON_TYPE };
    expect(await told(posted, Buffer.from('{"title":"b"}'))).toMatchObject({ method: 'library.Library.CreateBook' });
    expect(await told({ ...posted, ':path': '/v1/shelves/a/books:add' })).toEqual({ method: 'library.Library.Add' });
  });

  test('descriptors may come from the backend', async () => {
    const reflection = { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' };
    await rig.change([policy({ descriptors: undefined, reflection })], [configMap()]);
    expect(rig.condition('json', 'Accepted', 'HTTPPolicy')).toMatch(/^True/);
    expect(toldBy(await ask('/v1/shelves/a'))).toEqual({ method: 'GetShelf', requests: [{ name: 'shelves/a' }] });
    await rig.change([policy({ descriptors: undefined })]);
    expect(rig.condition('json', 'Accepted', 'HTTPPolicy')).toMatch(/^False Invalid: spec.grpcJson: must have descriptors or reflection/);
  });

  test('descriptors with faults are named, and the last ones stay in use', async () => {
    await rig.change([configMap(set.subarray(0, 1_000))]);
    expect(rig.condition('json', 'ResolvedRefs', 'HTTPPolicy')).toMatch(
      /^False InvalidDocument: spec.grpcJson.descriptors: entry library.pb of ConfigMap\/default\/descriptors: /,
    );
    expect((await ask('/v1/shelves/a')).status).toBe(200);
    await rig.change([policy({ descriptors: { ...DESCRIPTORS, key: 'other' } })]);
    expect(failure(await ask('/v1/shelves/a'))).toEqual([500, 13, expect.any(String)]);
  });
});
