// WebAssembly modules from the user's ExtensionPolicy and ConfigMap to what clients and backends see: a module of the SDK for Go.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { closeAfterAll, get } from '../support/fixture.ts';
import { header, status, type Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { ok } from '../support/raw-upstream.ts';
import { SecurityRig, manifest } from '../security/rig.ts';
import { wasmModuleBytes } from './wasm-module.ts';

closeAfterAll();

const MODULE = { configMapRef: { name: 'code' }, key: 'go.wasm' };
const USERS = { name: 'users', backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' } };
/** A busy machine takes time from the module too: its thread has no clock of its own. */
const CALL_TIME = '2s';

function code(bytes: Buffer): Manifest {
  const binaryData = { 'go.wasm': bytes.toString('base64') };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'code', namespace: 'default' }, binaryData };
}

function policy(settings: object = {}): Manifest {
  const own = { module: MODULE, backends: [USERS], callTime: CALL_TIME, memory: '64Mi', ...settings };
  return manifest('ExtensionPolicy', 'own', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], wasm: own });
}

const STREAMED = { requestBody: 'Streamed', responseBody: 'Streamed', configText: 'first', rootId: 'one' };

let rig: SecurityRig;
let go: Buffer;
beforeAll(async () => {
  go = wasmModuleBytes();
  rig = await SecurityRig.start([code(go), policy(STREAMED)]);
}, 60_000);

const post = (path: string, body: string): string => `POST ${path} HTTP/1.1\r\nHost: app\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

function ask(path: string, more = ''): Promise<Message> {
  return rig.ask(get(path, more));
}

function seen(): string {
  return rig.upstream.requests.at(-1)?.raw ?? '';
}

function metrics(): Promise<string> {
  return rig.proxy.worker.registry.metrics();
}

describe('a module of the SDK for Go', () => {
  test('changes the heads of requests and answers', async () => {
    const answer = await ask('/heads', 'X-Agent: me\r\n');
    expect([status(answer), header(answer, 'x-code'), header(answer, 'x-frame-options'), answer.body]).toEqual([
      200,
      '200',
      undefined,
      'OK',
    ]);
    expect(seen()).toMatch(/^GET \/changed\?by=go HTTP\/1.1\r\nhost: other.example\r\n/i);
    expect([seen().includes('x-config: first'), seen().includes('x-agent'), /x-count: \d+ true/.test(seen())]).toEqual([true, false, true]);
  });

  test('answers requests itself, also in place of the backend', async () => {
    const answer = await ask('/local');
    expect([status(answer), header(answer, 'x-why'), answer.body]).toEqual([418, 'tea', 'SHORT']);
    const replaced = await ask('/replace');
    expect([status(replaced), header(replaced, 'x-from'), replaced.body]).toEqual([503, 'module', 'another answer']);
  });

  test('calls a backend of its policy, and no other', async () => {
    expect(status(await ask('/call'))).toBe(200);
    const [call, request] = rig.upstream.requests.slice(-2).map(({ raw }) => raw);
    expect(call).toMatch(/^POST \/user\?id=1 HTTP\/1.1\r\nhost: users.example[^]*x-sub: 1[^]*who$/i);
    expect(request).toContain('x-user: 200 ok');
    expect((await ask('/stranger')).body).toContain('BAD ARGUMENT');
  });

  test('reads properties', async () => {
    const { body } = await ask('/properties?a=1', 'X-Agent: me\r\n');
    expect(body.toLowerCase().split('\n')).toEqual([
      ...[
        'request.method=get <nil>',
        'request.path=/properties?a=1 <nil>',
        'request.host=a <nil>',
        'source.address=',
        'plugin_name=code/go.wasm <nil>',
      ].map((line) => expect.stringContaining(line)),
      ...[
        'plugin_root_id=one <nil>',
        'route_name=httproute/default/app/',
        'request.headers.x-agent=me <nil>',
        'port true',
        'node error status',
        '',
      ].map((line) => expect.stringContaining(line)),
    ]);
  });

  test('shares data with compare-and-swap, and queues', async () => {
    const first = await ask('/shared');
    const second = await ask('/shared');
    expect([first.body, second.body]).toEqual([expect.stringMatching(/^1 .*CAS/), expect.stringMatching(/^2 .*CAS/)]);
    await ask('/queue');
    await ask('/queue');
    expect((await ask('/state')).body).toContain('QUEUED ITEM ITEM');
  });

  test('lets a paused request go on in a tick', async () => {
    expect(status(await ask('/tick'))).toBe(200);
    expect(seen()).toContain('x-ticked: yes');
  });

  test('changes bodies piece by piece, and holds them', async () => {
    rig.upstream.become(ok('abc'.repeat(50_000)));
    const answer = await rig.ask(post('/upper', 'hello'));
    rig.upstream.become(ok('ok'));
    expect([answer.body, /\r\n5\r\nHELLO\r\n0\r\n\r\n$/.test(seen())]).toEqual(['ABC'.repeat(50_000), true]);
    await rig.ask(post('/whole', 'a'.repeat(100_000)));
    expect(seen()).toContain('it had 100000 bytes.');
  });

  test('refuses a body that streams with its status', async () => {
    const answer = await rig.ask(post('/refuse', 'hello'));
    expect([status(answer), answer.body]).toEqual([422, expect.stringContaining('plugin_refused')]);
  });

  test('adds to the trailers of a body', async () => {
    await rig.ask(
      'POST / HTTP/1.1\r\nHost: app\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: x-one\r\n\r\n2\r\nab\r\n0\r\nx-one: 1\r\n\r\n',
    );
    expect(seen()).toMatch(/0\r\nx-one: 1\r\nx-trailer: more\r\n\r\n$/i);
  });

  test('has metrics of its own', async () => {
    const text = await metrics();
    const labels = 'policy="ExtensionPolicy/default/own",plugin="code/go.wasm"';
    expect(text).toMatch(new RegExp(`weir_plugin_custom_total\\{${labels},name="go_requests"\\} [1-9]`));
    expect(text).toMatch(new RegExp(`weir_plugin_custom_gauge\\{${labels},name="go_open"\\} [0-9]`));
    expect(text).toMatch(new RegExp(`weir_plugin_custom_histogram_count\\{${labels},name="go_sizes"\\} [1-9]`));
  });

  test('does not find functions of other hosts', async () => {
    expect((await ask('/foreign')).body.toLowerCase()).toContain('not found');
  });
});

describe('a module that goes wrong', () => {
  test.each([
    ['/panic', 500, 'plugin_failed'],
    ['/malformed', 500, 'plugin_failed'],
    ['/memory', 503, 'plugin_memory'],
  ])('by %s harms its own request only', async (path, expected, errorCode) => {
    const answer = await ask(path);
    expect([status(answer), answer.body.toLowerCase()]).toEqual([expected, expect.stringContaining(errorCode)]);
    expect(status(await ask('/'))).toBe(200);
  });

  test('in an endless loop ends at its limit, and a paused request at its own', async () => {
    await rig.change([policy({ configText: 'limits', callTime: '100ms', timeout: '1s' })]);
    const [loop, pause] = [await ask('/loop'), await ask('/pause')];
    expect([status(loop), status(pause)]).toEqual([503, 503]);
    expect([loop.body, pause.body]).toEqual(Array(2).fill(expect.stringContaining('plugin_timeout')));
    expect(await metrics()).toMatch(
      /weir_plugin_crashes_total\{policy="ExtensionPolicy\/default\/own",plugin="code\/go.wasm",reason="timeout"\} 1/,
    );
  });

  test('lets requests pass if its policy says so', async () => {
    await rig.change([policy({ configText: 'open', onError: 'Open' })]);
    const answer = await ask('/panic');
    expect([status(answer), answer.body]).toEqual([200, 'ok']);
  });
});

describe('a policy with a module', () => {
  test('hands over whole bodies, whose head may still change', async () => {
    await rig.change([policy({ configText: 'buffered', requestBody: 'Buffered', responseBody: 'Buffered', maxBodySize: 1_000 })]);
    const answer = await rig.ask(post('/whole', 'hello'));
    expect([answer.body, header(answer, 'content-length')]).toEqual(['OK', '2']);
    expect(seen()).toMatch(/content-length: 15\r\n[^]*it had 5 bytes\.$/i);
    expect(seen()).toContain('x-body: seen');
    expect([status(await rig.ask(post('/refuse', 'hello'))), status(await rig.ask(post('/', 'a'.repeat(1_001))))]).toEqual([422, 413]);
  });

  test('takes a new version without a lost request, and keeps the old one if that is no module', async () => {
    await rig.change([code(Buffer.from('no module'))]);
    expect(status(await ask('/local'))).toBe(418);
    await rig.change([code(go.subarray())]);
    expect(status(await ask('/local'))).toBe(418);
  });

  test('whose module refuses its configuration refuses the requests', async () => {
    await rig.change([policy({ configText: 'refuse' })]);
    const answer = await ask('/');
    expect([status(answer), answer.body]).toEqual([503, expect.stringContaining('plugin_unavailable')]);
  });

  const schema = { type: 'object', properties: { limit: { type: 'integer' } } };
  test.each([
    ['without a module', { module: undefined }, 'spec.wasm.module: is missing'],
    ['with a module of another kind', { module: { ...MODULE, key: 'a.ts' } }, 'spec.wasm.module.key: must end with .wasm or .wasm.gz'],
    ['with two configs', { config: {}, configText: 'a' }, 'spec.wasm.configText: must be absent if there is config'],
    ['with a schema for a text', { configText: 'a', configSchema: schema }, 'spec.wasm.configSchema: has no effect on configText'],
    ['with a config of another form', { config: { limit: 'a' }, configSchema: schema }, 'spec.wasm.config.limit: must be integer'],
    ['with a digest that is none', { sha256: 'abc' }, 'spec.wasm.sha256: must be 64 hexadecimal digits'],
    ['with a long call', { callTime: '1h' }, 'spec.wasm.callTime: must be from 1ms to 10s'],
    ['with a backend twice', { backends: [USERS, USERS] }, 'spec.wasm.backends[1].name: is listed twice'],
  ])('%s is refused', (_, settings, message) => {
    const result = validateObject(policy(settings), { strict: true });
    expect(result.ok ? [] : result.error.map(describeError)).toEqual([expect.stringContaining(message)]);
  });
});
