// Plugins from the user's ExtensionPolicy and ConfigMap to what clients and backends see.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { describeError } from '#api/k8s/field-error.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { closeAfterAll, get } from '../support/fixture.ts';
import { header, status, type Message } from '../support/message.ts';
import type { Manifest } from '../support/objects.ts';
import { ok } from '../support/raw-upstream.ts';
import { SecurityRig, manifest } from '../security/rig.ts';

closeAfterAll();

const MODULE = { configMapRef: { name: 'code' }, key: 'plugin.ts' };

function code(source: string): Manifest {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'code', namespace: 'default' }, data: { 'plugin.ts': source } };
}

function policy(settings: object = {}): Manifest {
  return manifest('ExtensionPolicy', 'own', { targetRefs: [{ kind: 'HTTPRoute', name: 'app' }], plugin: { module: MODULE, ...settings } });
}

/** A plugin with these hooks. */
function hooks(text: string): Manifest {
  return code(`import { definePlugin } from '@weir/sdk';\nexport default definePlugin<{ readonly name: string }>({ ${text} });`);
}

let rig: SecurityRig;
let version = 0;
beforeAll(async () => {
  rig = await SecurityRig.start([hooks('onRequest() {}'), policy()]);
});

/** The first answer after these hooks took over: their answers have a header with the version. */
async function withHooks(text: string, settings: object = {}, request = get()): Promise<Message> {
  // Another configuration makes another filter, which starts with the new module.
  await rig.change([hooks(text), policy({ config: { name: `v${++version}` }, ...settings })]);
  return rig.ask(request);
}

const post = (body: string): string => `POST / HTTP/1.1\r\nHost: app\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

describe('a plugin', () => {
  test('changes the heads of requests and answers, and shares state between them', async () => {
    const answer = await withHooks(
      `
      onRequest(request, { state, config }) {
        state.agent = request.headers.get('x-agent');
        request.headers.set('X-Name', config.name);
        request.headers.delete('x-agent');
        request.path = '/changed';
      },
      onResponse(response, request, { state }) {
        response.headers.set('x-agent', String(state.agent) + request.path);
        response.headers.delete('x-frame-options');
        response.status = 203;
      },`,
      {},
      get('/', 'X-Agent: me\r\n'),
    );
    const seen = rig.upstream.requests.at(-1)?.raw ?? '';
    expect([status(answer), header(answer, 'x-agent'), header(answer, 'x-frame-options'), answer.body]).toEqual([
      203,
      'me/changed',
      undefined,
      'ok',
    ]);
    expect(seen).toMatch(/^GET \/changed HTTP/);
    expect([seen.includes('x-name: v'), seen.includes('x-agent')]).toEqual([true, false]);
  });

  test('answers requests itself', async () => {
    const answer = await withHooks(`onRequest: () => ({ status: 418, headers: { 'x-why': 'tea' }, body: 'short' }),`);
    expect([status(answer), header(answer, 'x-why'), answer.body]).toEqual([418, 'tea', 'short']);
  });

  test('changes whole bodies both ways', async () => {
    const upper = `new TextDecoder().decode(body)`;
    const answer = await withHooks(
      `onRequestBody: (body) => ${upper} + '!', onResponseBody: (body) => ${upper}.toUpperCase(),`,
      {},
      post('hello'),
    );
    expect([answer.body, header(answer, 'content-length')]).toEqual(['OK', '2']);
    expect(rig.upstream.requests.at(-1)?.raw).toMatch(/hello!$/);
  });

  test('changes bodies chunk by chunk', async () => {
    rig.upstream.become(ok('abc'.repeat(50_000)));
    const answer = await withHooks(`
      onResponseChunk(chunk, { isLast }, response, { state }) {
        state.size = (Number(state.size) || 0) + chunk.length;
        return isLast ? ' ' + state.size : chunk.map((byte) => byte - 32);
      },`);
    rig.upstream.become(ok('ok'));
    expect(answer.body).toBe(`${'ABC'.repeat(50_000)} 150000`);
  });

  test('asks a backend of its policy, and no other', async () => {
    const backends = [{ name: 'users', backendRef: { group: 'gateway.weir.dev', kind: 'Backend', name: 'app' } }];
    const answer = await withHooks(
      `async onRequest(request, context) {
        const answer = await context.fetch('users', { path: '/user?id=1', headers: { 'X-Sub': '1' } });
        const refused = await context.fetch('others').catch((error) => error.message);
        return { status: 200, body: answer.status + ' ' + answer.text() + ' ' + refused };
      },`,
      { backends },
    );
    expect(answer.body).toBe('200 ok the policy has no backend others');
    expect(rig.upstream.requests.at(-1)?.raw).toMatch(/^GET \/user\?id=1 HTTP[^]*x-sub: 1/i);
  });

  test('counts for all its requests', async () => {
    const source = `onRequest: async (request, { counters, metrics }) => {
      metrics.count('visits');
      return { status: 200, body: String(await counters.add('visits')) };
    },`;
    const first = await withHooks(source);
    expect([first.body, (await rig.ask(get())).body]).toEqual(['1', '2']);
    const metrics = await rig.proxy.worker.registry.metrics();
    expect(metrics).toContain('weir_plugin_custom_total{policy="ExtensionPolicy/default/own",plugin="code/plugin.ts",name="visits"} 2');
  });

  test('is replaced by a new version without a lost request', async () => {
    await withHooks(`onRequest: () => ({ status: 200, body: 'old' }),`);
    await rig.change([hooks(`onRequest: () => ({ status: 200, body: 'new' }),`)]);
    const bodies = new Set<string>();
    let latest = '';
    while (latest !== 'new') bodies.add((latest = (await rig.ask(get())).body));
    expect([...bodies].filter((body) => body !== 'old' && body !== 'new')).toEqual([]);
  });

  test('stays as it is while its new version cannot be used', async () => {
    await withHooks(`onRequest: () => ({ status: 200, body: 'good' }),`);
    await rig.change([code('export default {')]);
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push((await rig.ask(get())).body);
    expect(answers).toEqual(['good', 'good', 'good']);
  });
});

describe('a plugin with short calls', () => {
  const source = `
    onRequest(request, { state }) { state.agent = request.headers.get('x-agent'); },
    onResponse(response, request, { state }) {
      for (let i = 0; request.path === '/slow' && i < 1e6; i++);
      response.headers.set('x-agent', state.agent);
    },`;
  const agent = async (path: string): Promise<string | undefined> => header(await rig.ask(get(path, 'X-Agent: me\r\n')), 'x-agent');
  const moves = async (): Promise<readonly string[]> => {
    const lines = (await rig.proxy.worker.registry.metrics()).split('\n');
    return lines.flatMap((line) => /^weir_plugin_moves_total.*to="(loop|thread)"} [1-9]/.exec(line)?.[1] ?? []);
  };

  test('moves to the event loop, and back with the state of the request when a call is long', async () => {
    const before = await withHooks(source, { callTime: '10s' }, get('/', 'X-Agent: me\r\n'));
    expect([header(before, 'x-agent'), await moves()]).toEqual(['me', []]);
    while ((await moves()).length === 0) expect(await agent('/')).toBe('me');
    expect([await agent('/'), await moves()]).toEqual(['me', ['loop']]);
    expect([await agent('/slow'), await moves()]).toEqual(['me', ['loop', 'thread']]);
    expect(await agent('/')).toBe('me');
  });
});

describe('a failing plugin', () => {
  test.each([
    ['an exception', `onRequest() { throw new Error('secret'); }`, 500, 'plugin_failed'],
    ['an endless loop', `onRequest() { for (;;); }`, 503, 'plugin_timeout'],
    [
      'a header that frames the message',
      `onRequest(request) { request.headers.set('transfer-encoding', 'chunked'); }`,
      500,
      'plugin_failed',
    ],
    ['a path with a line break', `onRequest(request) { request.path = '/a\\r\\nb'; }`, 500, 'plugin_failed'],
    ['an answer with a strange status', `onRequest: () => ({ status: 99 })`, 500, 'plugin_failed'],
    ['an exception for an answer', `onResponse() { throw new Error('secret'); }`, 500, 'plugin_failed'],
    ['a change of a head on its way', `onResponse(response, request) { request.path = '/'; }`, 500, 'plugin_failed'],
    ['a module that does not run', `onRequest(`, 503, 'plugin_unavailable'],
  ])('with %s is closed, and says nothing of the reason', async (_, text, expected, errorCode) => {
    const answer = await withHooks(text);
    expect([status(answer), JSON.parse(answer.body)]).toMatchObject([expected, { code: errorCode }]);
    expect(answer.body).not.toContain('secret');
  });

  test('lets requests pass if its policy says so', async () => {
    const answer = await withHooks(`onRequest() { throw new Error('no'); }`, { onError: 'Open' });
    expect([status(answer), answer.body]).toEqual([200, 'ok']);
  });

  test('refuses bodies that are too large for it', async () => {
    const answer = await withHooks('onRequestBody() {}', { maxBodySize: 4 }, post('hello'));
    expect(status(answer)).toBe(413);
  });

  test('without its module refuses the requests', async () => {
    await rig.change([policy({ module: { ...MODULE, key: 'none.ts' } })]);
    expect(status(await rig.ask(get()))).toBe(500);
    expect(rig.condition('own', 'ResolvedRefs', 'ExtensionPolicy')).toContain('none.ts');
  });
});

describe('other routes', () => {
  const other = manifest('HTTPRoute', 'other', {
    parentRefs: [{ name: 'gw' }],
    hostnames: ['other'],
    rules: [{ backendRefs: [{ group: 'gateway.weir.dev', kind: 'Backend', name: 'app' }] }],
  });

  test.each([
    ['loops', `for (;;);`],
    ['loops in a built-in function', `Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1);`],
    ['eats memory', `const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1));`],
  ])('have no failed request while a plugin %s', async (_, attack) => {
    await rig.change([other]);
    await withHooks(`onRequest({ path }) { if (path === '/attack') { ${attack} } }`);
    let isOver = false;
    const attacks = Array.from({ length: 6 }, () => rig.ask(get('/attack'))).map(async (answer) => status(await answer));
    const done = Promise.all(attacks).finally(() => (isOver = true));
    const answers: number[] = [];
    while (!isOver) answers.push(status(await rig.ask(get('/').replace(/Host: [^\r]*/i, 'Host: other'))));
    expect((await done).every((code) => code === 500 || code === 503)).toBe(true);
    expect([answers.length > 0, answers.filter((code) => code !== 200)]).toEqual([true, []]);
  });
});

test('a policy with a plugin is accepted if each text of its config fits the pattern of its own field', () => {
  const text = (pattern: string): object => ({ type: 'string', pattern });
  const configSchema = { type: 'object', properties: { name: text('^[a-z]+$'), code: text('^[0-9]+$') } };
  const result = validateObject(policy({ config: { name: 'a', code: '1' }, configSchema }), { strict: true });
  expect(result.ok ? [] : result.error.map(describeError)).toEqual([]);
});

describe('a policy with a plugin is refused', () => {
  const schema = { type: 'object', properties: { limit: { type: 'integer' } }, additionalProperties: false };
  test.each([
    ['without a module', { module: undefined }, 'spec.plugin.module: is missing'],
    ['with a module of another kind', { module: { ...MODULE, key: 'plugin.wasm' } }, 'spec.plugin.module.key: must end with'],
    ['with a config of another form', { config: { limit: 'a' }, configSchema: schema }, 'spec.plugin.config.limit: must be integer'],
    [
      'with an unknown field of its config',
      { config: { other: 1 }, configSchema: schema },
      'spec.plugin.config: must not have the field other',
    ],
    ['with a schema that is none', { configSchema: { type: 'strange' } }, 'spec.plugin.configSchema: is no JSON Schema'],
    ['with a schema that refers', { configSchema: { $ref: '#' } }, 'spec.plugin.configSchema: must not have $ref'],
    ['with a long call', { callTime: '1h' }, 'spec.plugin.callTime: must be from 1ms to 10s'],
    ['with a backend without a name of one', { backends: [{ name: 'a' }] }, 'spec.plugin.backends[0].backendRef: is missing'],
  ])('%s', (_, settings, message) => {
    const result = validateObject(policy(settings), { strict: true });
    expect(result.ok ? [] : result.error.map(describeError)).toEqual([expect.stringContaining(message)]);
  });
});
