// JSON calls beside other features, without a compiler of .proto files: metrics, access log, rules for messages, and attacks by streams.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type http2 from 'node:http2';
import { parseFilter } from '#api/access-log/filter.ts';
import { EchoServer, method } from '../grpc/echo.ts';
import { manifest, SecurityRig } from '../security/rig.ts';
import { fieldOf, fileOf, messageOf, rawMessage, REPEATED, setOf, type RawField } from '../support/descriptors.ts';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { openH2Backend } from '../support/h2-upstream.ts';
import { memoryInUse } from '../support/memory.ts';
import type { Manifest } from '../support/objects.ts';
import { until } from '../support/until.ts';

closeAfterEach();

const HTTP_OPTION = 72_295_728;
const TARGET = { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }] };
const DESCRIPTORS = { descriptors: { configMapRef: { name: 'types' }, key: 't.pb' } };

/** A method from Text to Text; with `template`, a POST of that path calls it too. */
function rpc(name: string, isStream: boolean, template = ''): Buffer {
  const binding = rawMessage([HTTP_OPTION, rawMessage([4, template], [7, '*'])]);
  const options: RawField[] = template === '' ? [] : [[4, binding]];
  const streams = isStream ? [5, 6].map((field): RawField => [field, 1]) : [];
  return rawMessage([1, name], [2, '.t.Text'], [3, '.t.Text'], ...options, ...streams);
}

const TEXT = messageOf('Text', [fieldOf('name', 1, 'string'), fieldOf('text', 2, 'string'), fieldOf('list', 3, '.t.Text', REPEATED)]);
const ECHO = rawMessage([1, 'Echo'], [2, rpc('Unary', false)], [2, rpc('Chat', true)], [2, rpc('Add', true, '/v1/{name}/texts')]);
const CONFIG: Manifest = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'types' },
  binaryData: { 't.pb': setOf(fileOf([TEXT], [6, ECHO])).toString('base64') },
};

function policy(settings: object = {}): Manifest {
  return manifest('HTTPPolicy', 'json', { ...TARGET, grpcJson: { ...DESCRIPTORS, methodPaths: 'Enabled' }, ...settings });
}

function start(port: number, settings: object = {}): Promise<SecurityRig> {
  return SecurityRig.start([CONFIG, policy(settings), manifest('Backend', 'app', { endpoints: [{ ip: '127.0.0.1', port }] })]);
}

function post(rig: SecurityRig, path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const type = path.endsWith('/Unary') ? 'application/json' : 'application/x-ndjson';
  return fetch(`http://127.0.0.1:${rig.proxy.port}${path}`, { method: 'POST', headers: { 'content-type': type, ...headers }, body });
}

describe('a JSON call', () => {
  let echo: EchoServer;
  beforeEach(async () => {
    echo = await EchoServer.start('', [method('t.Echo/Unary', 'Unary'), method('t.Echo/Chat', 'Chat')]);
    closeLater(() => echo.close());
  });

  test('has the method and the status of gRPC in metrics and access log', async () => {
    const rig = await start(echo.port, { grpcMethods: DESCRIPTORS });
    const lines: string[] = [];
    const tail = new AbortController();
    const all = parseFilter('');
    if (!all.ok) throw new Error(all.error);
    const part = async (data: Buffer): Promise<void> => void lines.push(...data.toString().trim().split('\n'));
    const tailing = rig.proxy.worker.inspect({ kind: 'tail', filter: all.value, rate: 100 }, { part, signal: tail.signal });
    expect((await post(rig, '/t.Echo/Unary', '{"text":"a"}')).status).toBe(200);
    expect((await post(rig, '/t.Echo/Unary', '{"text":"a"}', { 'x-fail': '5' })).status).toBe(404);
    expect(await (await post(rig, '/t.Echo/Chat', '{"text":"a"}\n')).text()).toBe('{"text":"a"}\n');
    await until(() => lines.length === 3, 'the lines of the log');
    tail.abort();
    await tailing;
    const logged = lines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    expect(logged.map(({ method, path, status, grpcStatus }) => [method, path, status, grpcStatus])).toEqual([
      ['POST', '/t.Echo/Unary', 200, 0],
      ['POST', '/t.Echo/Unary', 404, 5],
      ['POST', '/t.Echo/Chat', 200, 0],
    ]);
    const metrics = await rig.proxy.worker.registry.metrics();
    for (const [name, code, count] of [
      ['Unary', 0, 1],
      ['Unary', 5, 1],
      ['Chat', 0, 1],
    ])
      expect(metrics).toContain(
        `weir_grpc_method_requests_total{grpc_service="t.Echo",grpc_method="${name}",grpc_status="${code}"} ${count}\n`,
      );
    expect(metrics).toMatch(/^weir_grpc_requests_total\{.*grpc_status="0"\} 2$/m);
    expect(metrics).toMatch(/^weir_grpc_requests_total\{.*grpc_status="5"\} 1$/m);
  });

  test('obeys rules for messages, which see it as gRPC', async () => {
    const requests = [
      {
        methods: ['t.Echo/Unary', 't.Echo/Chat'],
        when: 'body.text == "no"',
        refuse: { status: 'FAILED_PRECONDITION', message: 'not this' },
      },
      { set: [{ field: 'name', value: '"set by " + request.method' }] },
    ];
    const rig = await start(echo.port, { grpcMessages: { ...DESCRIPTORS, requests, answers: [{ mask: ['list.text'] }] } });
    const told = await post(rig, '/t.Echo/Unary', '{"text":"a","list":[{"text":"b"}]}');
    expect([told.status, await told.json()]).toEqual([200, { name: 'set by POST', text: 'a', list: [{ text: '***' }] }]);
    const refused = await post(rig, '/t.Echo/Unary', '{"text":"no"}');
    expect([refused.status, await refused.json()]).toEqual([403, { code: 9, message: 'not this', details: [] }]);
    const streamed = await post(rig, '/t.Echo/Chat', '{"text":"a"}\n{"list":[{"text":"b"}]}\n');
    expect(await streamed.text()).toBe('{"name":"set by POST","text":"a"}\n{"name":"set by POST","list":[{"text":"***"}]}\n');
    const late = await post(rig, '/t.Echo/Chat', '{"text":"a"}\n{"text":"no"}\n');
    expect(await late.text()).toContain('{"code":9,"message":"not this","details":[]}');
  });

  test('with a huge list of small values is refused', async () => {
    const rig = await start(echo.port);
    const refused = await post(rig, '/t.Echo/Unary', `{"list":[${'{},'.repeat(1_100_000)}{}]}`);
    expect([refused.status, ((await refused.json()) as { readonly code: number }).code]).toEqual([400, 3]);
    expect(echo.timeouts).toEqual([]);
  });
});

test('lines that become large messages by their path are read as far as the backend reads messages', async () => {
  const [name, count] = ['n'.repeat(8_000), 4_000];
  const calls: http2.ServerHttp2Stream[] = [];
  const { port } = await openH2Backend((stream) => void calls.push(stream));
  const rig = await start(port);
  const before = memoryInUse();
  const answer = post(rig, `/v1/${name}/texts`, '{}\n'.repeat(count));
  await until(() => calls.length === 1 && calls[0]!.readableLength > 60_000, 'as many messages as the backend has room for');
  // A quarter of what the lines become.
  expect(memoryInUse().buffers - before.buffers).toBeLessThan((name.length * count) / 4);
  const [call] = calls as [http2.ServerHttp2Stream];
  let names = 0;
  call.on('data', (chunk: Buffer) => (names += chunk.toString('latin1').split('n').length - 1));
  await once(call, 'end');
  expect(names).toBe(name.length * count);
  call.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '0' }, { endStream: true });
  expect((await answer).status).toBe(200);
});
