// Plugins on the event loop: what they change, and attacks on the time and memory of the event loop.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { LoopIsolate, type LoopIsolateOptions } from './loop-isolate.ts';
import type { Request } from './plugin-isolate.ts';
import { compileEngine } from './quickjs/engine.ts';

const HEAD = ' GET\n http\n app.example\n 192.0.2.1\n "a\\nb"\n /a\n x=1\nhost:app.example\nx-a:1\nuser-agent:test\nx-a:2\n';

let engine: WebAssembly.Module;
beforeAll(async () => {
  engine = await compileEngine();
});

async function start(source: string, options: Partial<LoopIsolateOptions> = {}): Promise<LoopIsolate> {
  const opened = await LoopIsolate.open(engine, {
    ...{ source: Buffer.from(source), language: 'javascript', config: '{"limit":1}', memory: 16 * 1_048_576, timeout: 60_000 },
    asked: () => undefined,
    ...options,
  });
  if (!opened.ok) throw new Error(opened.error);
  return opened.value;
}

/** A plugin whose hook `onRequest` has this body. */
function hook(body: string): string {
  return `export default { onRequest(request, context) { ${body} } };`;
}

describe('a plugin on the event loop', () => {
  test.each([
    ['nothing', ``, ''],
    [
      'headers',
      `request.headers.set('X-B', '1'); request.headers.delete('user-agent'); request.headers.append('x-a', '3');`,
      '\n=x-b:1\n-user-agent\n+x-a:3',
    ],
    ['its path', `request.path = '/b'; request.query = '';`, '\n>/b\n&'],
    [
      'with the head',
      `request.headers.set('x', [request.method, request.host, request.client, request.path, request.query].join(' '));`,
      '\n=x:GET app.example 192.0.2.1 /a x=1',
    ],
    ['with the name of the caller', `request.headers.set('x', JSON.stringify(request.principal));`, '\n=x:"a\\nb"'],
    ['with its configuration', `request.headers.set('x', context.config.limit);`, '\n=x:1'],
    ['an exception', `throw new Error('no');`, { ok: false, failure: 'failed', reason: 'Error: no' }],
    [
      'a second header in a value',
      `request.headers.set('x', 'a\\nb: c');`,
      { ok: false, failure: 'failed', reason: expect.stringContaining('TypeError') },
    ],
    [
      'a change of what all requests share',
      `context.fetch = 1;`,
      { ok: false, failure: 'failed', reason: expect.stringContaining('TypeError') },
    ],
  ])('changes %s', async (_, body, expected) => {
    expect((await start(hook(body))).request(HEAD, 0)).toEqual(expected);
  });

  test('reads headers with all changes so far', async () => {
    const plugin = await start(
      hook(`
      const { headers } = request;
      const seen = [headers.get('X-A'), headers.getAll('x-a').length, headers.get('none'), headers.has('host')];
      headers.set('x-a', 'b'); headers.append('x-c', 'd'); headers.delete('user-agent'); headers.set('x-e', '');
      seen.push(headers.get('x-a'), headers.get('x-c'), headers.has('user-agent'), headers.get('x-e'), headers.entries().length);
      throw new Error(JSON.stringify(seen));`),
    );
    const { reason } = plugin.request(HEAD, 0) as { readonly reason: string };
    expect(JSON.parse(reason.slice('Error: '.length))).toEqual(['1, 2', 2, null, true, 'b', 'd', false, '', 4]);
  });

  test.each([
    ['host', ' app.example', ' x-admin:1'],
    ['client', ' 192.0.2.1', ' x-admin:1'],
    ['query', ' x=1', ' x-admin:1'],
  ])('takes no %s for a header', async (_, text, other) => {
    const plugin = await start(
      hook(`throw new Error(JSON.stringify([request.headers.get('x-admin'), request.headers.entries().length, request.method]));`),
    );
    const { reason } = plugin.request(HEAD.replace(text, other), 0) as { readonly reason: string };
    expect(reason).toBe('Error: [null,4,"GET"]');
  });

  test('keeps the state of an exchange to its last hook', async () => {
    const plugin = await start(`export default {
      onRequest: (request, { state }) => { state.agent = request.headers.get('user-agent'); },
      onResponse: (response, request, { state }) => { response.headers.set('x-agent', state.agent + request.path); response.status = 203; },
    };`);
    expect(plugin.request(HEAD, 7)).toBe('');
    expect(plugin.savedState(7)).toEqual({ agent: 'test' });
    expect(plugin.response(null, 7, 200, '\n')).toBe('\n=x-agent:test/a\n#203');
    expect(plugin.savedState(7)).toBeNull();
  });

  test('answers with a body, and waits for what it asks', async () => {
    const asked: Request[] = [];
    const plugin = await start(hook(`return context.counters.add('seen').then((sum) => ({ status: 200, body: String(sum) }));`), {
      asked: (request, _, from) => {
        asked.push(request);
        if (request.type === 'count') queueMicrotask(() => from.tell({ type: 'counted', op: request.op, value: 7 }, null));
      },
    });
    expect(await plugin.request(HEAD, 0)).toMatchObject({ ok: true, changes: { reply: { status: 200 } }, bytes: Buffer.from('7') });
    expect(asked).toMatchObject([{ type: 'count', name: 'seen' }]);
  });

  test('that waits for what never comes fails', async () => {
    const plugin = await start(hook(`return new Promise(() => {});`));
    expect(await plugin.request(HEAD, 0)).toMatchObject({ ok: false, reason: 'a hook waits for something that never comes' });
  });
});

describe('an attack on the event loop', () => {
  test.each([
    ['an endless loop', `for (;;);`],
    ['an endless loop that catches its end', `for (;;) try { for (;;); } catch {}`],
    ['an endless loop in a built-in function', `Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1);`],
    ['a search in a huge text', `'a'.repeat(4e6).indexOf('a'.repeat(2e6) + 'b');`],
    ['a regular expression that backtracks', `/(a+)+$/.test('a'.repeat(40) + 'b');`],
    ['a sort of a huge list', `[...Array(1e6).keys()].sort(() => 0.5 - Math.random());`],
    ['a lot of memory', `const all = []; for (;;) all.push(new Uint8Array(1e6).fill(1));`],
    ['many subrequests', `for (let i = 0; i < 100; i++) context.fetch('a');`],
  ])('with %s ends its call, which is void, and the plugin leaves', async (_, body) => {
    const asked: Request[] = [];
    const plugin = await start(hook(`context.log.info('half'); ${body}`), { asked: (request) => asked.push(request) });
    expect(plugin.request(HEAD, 0)).toBeNull();
    expect([typeof plugin.over, asked]).toEqual(['string', []]);
  });

  test('that cuts a later hook leaves the state of the exchange for the thread', async () => {
    const plugin = await start(`export default {
      onRequest: (request, { state }) => { state.agent = request.headers.get('user-agent'); },
      onResponse: () => void Array.prototype.includes.call({ length: 2 ** 53 - 1 }, 1),
    };`);
    expect([plugin.request(HEAD, 7), plugin.response(null, 7, 200, '\n')]).toEqual(['', null]);
    expect(plugin.savedState(7)).toEqual({ agent: 'test' });
  });

  test('with much work in each call, within the limit, ends with the plugin elsewhere', async () => {
    const plugin = await start(hook(`for (let i = 0; i < 300; i++) 'abc'.toUpperCase();`));
    let calls = 0;
    while (plugin.over === null && calls++ < 100_000) void plugin.request(HEAD, 0);
    expect([plugin.over, calls < 100_000]).toEqual([expect.any(String), true]);
  });

  test('by a module that works long at its start stays out', async () => {
    await expect(start(`for (;;); ${hook('')}`)).rejects.toThrow('ran longer than');
  });

  test('loses other calls that wait, and says so', async () => {
    const plugin = await start(
      `export default { onRequest: ({ path }, { fetch }) => { if (path === '/loop') for (;;); return fetch('a'); } };`,
    );
    const waits = plugin.request(HEAD, 0);
    expect(plugin.request(HEAD.replace('/a', '/loop'), 0)).toBeNull();
    expect(await waits).toMatchObject({ ok: false, failure: 'lost' });
  });
});
