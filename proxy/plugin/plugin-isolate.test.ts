// Plugins in their isolate: what they do, and attacks on the proxy, on other plugins and on its time and memory.
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { Outcome } from './outcome.ts';
import { PluginIsolate, type PluginIsolateOptions, type Request } from './plugin-isolate.ts';
import type { Hook, RequestHead } from './message.ts';
import { compileEngine } from './quickjs/engine.ts';

const HEAD: RequestHead = {
  ...{ method: 'GET', scheme: 'http', host: 'app.example', client: '192.0.2.1', principal: null, path: '/a', query: '' },
  headers: ['host', 'app.example', 'user-agent', 'test'],
};

let engine: WebAssembly.Module;
beforeAll(async () => {
  engine = await compileEngine();
});

const open: PluginIsolate[] = [];
afterEach(() => {
  open.splice(0).forEach((isolate) => isolate.close());
  jest.useRealTimers();
});

interface Started {
  readonly isolate: PluginIsolate;
  readonly asked: Request[];
  readonly crashes: string[];
  call(hook?: Hook, body?: string): Promise<Outcome>;
}

function start(text: string, options: Partial<PluginIsolateOptions> = {}): Started {
  const [asked, crashes]: [Request[], string[]] = [[], []];
  const isolate = new PluginIsolate({
    ...{ source: Buffer.from(text), language: 'typescript', config: '{"limit":1}', callTime: 50, timeout: 60_000, memory: 16 * 1_048_576 },
    ...{ name: 'test', backends: [], wasm: null },
    ...{ engine, probation: 1_000_000, quick: () => undefined },
    asked: (request) => asked.push(request),
    crashed: (failure, reason) => crashes.push(`${failure}: ${reason}`),
    ...options,
  });
  open.push(isolate);
  let exchange = 0;
  const call: Started['call'] = (hook = 'onRequest', body) =>
    isolate.call(
      { exchange: ++exchange, hook, keep: false, request: HEAD, response: { status: 200, headers: [] } },
      body === undefined ? null : Buffer.from(body),
    );
  return { isolate, asked, crashes, call };
}

/** A plugin whose hook `onRequest` has this body. */
function hook(body: string): string {
  return `import { definePlugin } from '@weir/sdk';\nlet shared = 0;\nexport default definePlugin({ async onRequest(request, context) { ${body} } });`;
}

function reasonOf(outcome: Outcome): string {
  return outcome.ok ? 'ok' : `${outcome.failure}: ${outcome.reason}`;
}

describe('a plugin', () => {
  test('in TypeScript changes headers and path with its configuration', async () => {
    const { call } = start(`
      import { definePlugin, type PluginRequest } from '@weir/sdk';
      interface Config { readonly limit: number }
      export default definePlugin<Config>({
        onRequest(request: PluginRequest, { config }) {
          request.headers.set('X-Limit', String(config.limit));
          request.headers.delete('user-agent');
          request.path = '/b';
        },
      });`);
    expect(await call()).toEqual({
      ok: true,
      changes: { path: '/b', query: '', requestHeaders: ['host', 'app.example', 'x-limit', '1'] },
      bytes: null,
    });
  });

  test('replaces a body, and answers with one', async () => {
    const { call } = start(`export default {
      onRequestBody: (body) => new TextDecoder().decode(body).toUpperCase() + 'é',
      onRequest: () => ({ status: 403, headers: { 'X-Why': 'no' }, body: 'refused' }),
    };`);
    expect(await call('onRequestBody', 'abc')).toEqual({ ok: true, changes: { replaces: true }, bytes: Buffer.from('ABCé') });
    const reply = { status: 403, headers: ['x-why', 'no'] };
    expect(await call()).toEqual({ ok: true, changes: { reply }, bytes: Buffer.from('refused') });
  });

  test.each([
    ['short', '', true],
    ['long', 'for (let i = 0; i < 20_000; i++) shared += i;', false],
  ])('with %s calls is called quick, or not', async (_, body, expected) => {
    let isQuick = false;
    const { call } = start(hook(`request.headers.set('x-agent', request.headers.get('user-agent') ?? ''); ${body}`), {
      ...{ probation: 300, quick: () => (isQuick = true) },
    });
    for (let i = 0; i < 301; i++) expect(reasonOf(await call())).toBe('ok');
    expect(isQuick).toBe(expected);
  });

  test('waits for counters of the proxy', async () => {
    const { call, isolate, asked } = start(hook(`return { status: 200, body: String(await context.counters.add('seen', 2)) };`), {
      asked: (request, _, from) => request.type === 'count' && from.tell({ type: 'counted', op: request.op, value: 7 }, null),
    });
    expect([isolate.hooks, asked]).toEqual([null, []]);
    expect(await call()).toMatchObject({ ok: true, bytes: Buffer.from('7') });
  });

  test.each([
    [50_000, 'ok'],
    [61_000, 'unusable: it did not start within 60000 ms'],
  ])('that starts for %d ms keeps the time of its calls, or is given up', async (startTime, expected) => {
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'setTimeout'] });
    const { call } = start(hook(''), { timeout: 1_000 });
    const outcome = call();
    jest.advanceTimersByTime(startTime);
    expect(reasonOf(await outcome)).toBe(expected);
  });

  test.each([
    ['without a default export', 'export const a = 1;', 'default'],
    ['without a hook', 'export default {};', 'the plugin has no hook'],
    ['with a hook of another name', 'export default { onRequests() {} };', 'has no hook onRequests'],
    ['that is no JavaScript', 'export default {', 'SyntaxError'],
    ['with an import', `import fs from 'node:fs'; export default { onRequest() {} };`, 'import @weir/sdk only, not node:fs'],
    ['that never ends its start', 'await new Promise(() => {}); export default { onRequest() {} };', 'never comes'],
    ['that loops at its start', 'for (;;); export default { onRequest() {} };', 'ran longer than 1000 ms'],
    ['that throws at its start', `throw new Error('no luck'); export default { onRequest() {} };`, 'no luck'],
  ])('%s is refused with the reason', async (_, source, reason) => {
    const { call, isolate } = start(source, { language: 'javascript' });
    expect(await isolate.ready()).toContain(reason);
    expect(reasonOf(await call())).toContain('unusable');
  });
});

describe('an attack', () => {
  describe('finds', () => {
    const WAYS: readonly (readonly [name: string, expression: string])[] = [
      ['process', `typeof process`],
      ['require', `typeof require`],
      ['fetch', `typeof fetch`],
      ['timers', `typeof setTimeout + typeof setInterval + typeof setImmediate`],
      ['the way into the host', `typeof weirSend + typeof weirEncode + typeof weirConfig`],
      ['process by a constructor', `typeof context.fetch.constructor('return globalThis.process')()`],
      [
        'process by the constructor of a promise',
        `typeof (async () => {}).constructor('return globalThis.process')().then.constructor('return globalThis.process')()`,
      ],
      ['the standard library of QuickJS', `typeof std + typeof os`],
      ['WebAssembly and shared memory', `typeof WebAssembly`],
    ];
    let shared: Started;
    beforeAll(() => {
      const cases = WAYS.map(([name, expression]) => `case ${JSON.stringify(name)}: return { status: 200, body: ${expression} };`);
      shared = start(hook(`switch (request.headers.get('x-way')) { ${cases.join(' ')} }`));
      // It serves all of them.
      open.splice(open.indexOf(shared.isolate), 1);
    });
    afterAll(() => shared.isolate.close());

    test.each(WAYS)('no %s', async (name) => {
      const head = { ...HEAD, headers: ['x-way', name] };
      const outcome = await shared.isolate.call({ exchange: 1, hook: 'onRequest', keep: false, request: head }, null);
      expect(outcome.ok ? outcome.bytes?.toString().replaceAll('undefined', '') : reasonOf(outcome)).toBe('');
    });
  });

  test('cannot import at run time', async () => {
    const { call } = start(hook(`await import('node:fs');`));
    expect(reasonOf(await call())).toContain('import @weir/sdk only');
  });

  test('on prototypes changes nothing outside of its isolate', async () => {
    const { call } = start(
      hook(
        `Object.prototype.polluted = 1; Array.prototype.push = () => { throw 1; }; JSON.stringify = () => '{"type":"done","call":1,"changes":{"__proto__":{"polluted":1}}}';`,
      ),
    );
    await call();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test.each([
    ['an endless loop', `for (;;);`, 'timeout: it ran longer than 50 ms'],
    ['an endless chain of promises', `for (;;) await null;`, 'timeout: it ran longer than 50 ms'],
    ['a regular expression that backtracks', `/(a+)+$/.test('a'.repeat(40) + 'b');`, 'timeout'],
    ['a long text', `let text = 'a'; for (;;) text += text;`, 'failed'],
    ['deep recursion', `(function f() { f(); })();`, 'failed'],
    ['a promise that never resolves', `await new Promise(() => {});`, 'failed: a hook waits for something that never comes'],
    ['an error with hostile getters', `throw { get message() { throw 1; }, toString() { throw 2; } };`, 'memory'],
    ['a change of its configuration', `context.config.limit = 2;`, 'failed: TypeError'],
    ['a second header in a value', `request.headers.set('x', 'a\\r\\nb: c');`, 'failed: TypeError: the value of header x'],
    ['a second header in a name', `request.headers.set('x: a\\r\\nb', 'c');`, 'failed: TypeError: the name'],
    ['a result that is no answer', `return 'text';`, 'ok'],
  ])('with %s ends its own call', async (_, body, reason) => {
    const { call } = start(hook(body));
    expect(reasonOf(await call())).toContain(reason);
  });

  test('in a built-in function ends with its thread, and the plugin goes on', async () => {
    const { call, crashes } = start(
      `export default { onRequest: () => void Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1), onResponse() {} };`,
    );
    const [stuck, next] = [call(), call('onResponse')];
    expect(reasonOf(await stuck)).toBe('timeout: it ran longer than 50 ms');
    expect([await next, crashes]).toMatchObject([{ ok: true }, [expect.stringContaining('timeout')]]);
  });

  test('with an endless loop ends only calls that it runs among', async () => {
    const { call } = start(`export default {
      onRequest: (request) => { for (;;); },
      onRequestBody: async (body, request, { counters }) => void (await counters.add('a')),
      onResponse: () => undefined,
    };`);
    const waits = call('onRequestBody');
    const [loop, next] = [call(), call('onResponse')];
    expect([reasonOf(await loop), reasonOf(await waits), reasonOf(await next)]).toEqual([
      'timeout: it ran longer than 50 ms',
      'lost: the isolate ended for another call',
      'ok',
    ]);
  });

  test('again and again is paused, and says for how long', async () => {
    const { call, crashes } = start(hook(`for (;;);`), { callTime: 1 });
    const reasons = [];
    for (let i = 0; i < 5; i++) reasons.push(reasonOf(await call()));
    expect(reasons.slice(0, 4).map((reason) => reason.split(':')[0])).toEqual(['timeout', 'timeout', 'timeout', 'timeout']);
    expect(reasons[4]).toMatch(/^paused: it crashed several times, .*ran longer than 1 ms; it starts again in \d+ ms$/);
    expect(crashes).toHaveLength(4);
  });

  test('on memory ends, and the plugin goes on with another isolate', async () => {
    const { call, crashes } = start(
      `const all = []; export default { onRequest() { for (;;) all.push(new Uint8Array(500_000)); }, onResponse() {} };`,
      { callTime: 20_000, memory: 4 * 1_048_576 },
    );
    expect(reasonOf(await call())).toContain('memory');
    expect([await call('onResponse'), crashes]).toMatchObject([{ ok: true }, [expect.stringContaining('memory')]]);
  });

  test('with many lines is cut', async () => {
    const { call, asked } = start(hook(`for (let i = 0; i < 1e3; i++) context.log.info('a'.repeat(1e5));`), { callTime: 20_000 });
    expect(reasonOf(await call())).toBe('ok');
    expect(asked).toHaveLength(64);
    expect(asked.every((each) => each.type === 'log' && each.message.length <= 1_024)).toBe(true);
  });

  test('with many subrequests ends', async () => {
    const { call, asked } = start(hook(`for (let i = 0; i < 1e3; i++) void context.fetch('a');`), { callTime: 20_000 });
    expect(reasonOf(await call())).toBe('failed: a call may ask 64 things at most');
    expect(asked).toEqual([]);
  });

  test('sees nothing of another plugin', async () => {
    const [first, second] = [start(hook(`globalThis.secret = 'mine';`)), start(hook(`return { status: 200, body: typeof secret };`))];
    await first.call();
    expect(await second.call()).toMatchObject({ bytes: Buffer.from('undefined') });
  });
});
