// Hostile WebAssembly modules harm themselves only: they end at their limits, and their thread is replaced.
import { afterEach, describe, expect, test } from '@jest/globals';
import { ABI, I32, onRequest, op, wasmModule } from '../../../test/support/wasm-module.ts';
import type { WasmSettings } from '../../exchange/plugins.ts';
import type { Hook } from '../message.ts';
import type { Outcome } from '../outcome.ts';
import { PluginIsolate, type PluginIsolateOptions, type Request } from '../plugin-isolate.ts';

const MEMORY = 1_048_576;
const SETTINGS: WasmSettings = {
  ...{ rootId: '', requestBody: 'Streamed', responseBody: 'None', logLevel: 0, sha256: '', maxBodySize: 1_000 },
};

const open: PluginIsolate[] = [];
afterEach(() => open.splice(0).forEach((isolate) => isolate.close()));

interface Started {
  readonly isolate: PluginIsolate;
  readonly asked: Request[];
  readonly crashes: string[];
  call(hook?: Hook, body?: string): Promise<Outcome>;
}

function start(source: Buffer, options: Partial<PluginIsolateOptions> = {}): Started {
  const [asked, crashes]: [Request[], string[]] = [[], []];
  const isolate = new PluginIsolate({
    ...{ source, language: 'wasm', name: 'code/test.wasm', config: '', backends: ['users'], wasm: SETTINGS },
    ...{ callTime: 50, timeout: 60_000, memory: MEMORY, engine: null, probation: 1_000_000, quick: () => undefined },
    asked: (request) => asked.push(request),
    crashed: (failure, reason) => crashes.push(`${failure}: ${reason}`),
    ...options,
  });
  open.push(isolate);
  let exchange = 0;
  const request = {
    ...({ method: 'GET', scheme: 'http', host: 'app.example', client: '192.0.2.1', principal: null, path: '/a', query: '' } as const),
    headers: ['user-agent', 'test'],
  };
  const call: Started['call'] = (hook = 'onRequest', body) =>
    isolate.call({ exchange: ++exchange, hook, keep: true, request }, body === undefined ? null : Buffer.from(body));
  return { isolate, asked, crashes, call };
}

function textOf(outcome: Outcome): string {
  return outcome.ok ? 'ok' : `${outcome.failure}: ${outcome.reason}`;
}

describe('a module that goes wrong', () => {
  test('in a loop at its start', async () => {
    const { isolate, call } = start(wasmModule({ functions: [...ABI, { name: '_initialize', code: op.forever }] }), { loadTime: 50 });
    expect(await isolate.ready()).toContain('it ran longer than');
    expect(await call()).toMatchObject({ ok: false, failure: 'unusable' });
  });

  test('in an endless loop ends at its limit, and calls that wait go to the next', async () => {
    const { call, crashes, isolate } = start(
      wasmModule({
        functions: [
          ...ABI,
          { name: 'proxy_on_request_headers', params: [I32, I32, I32], results: [I32], code: [...op.forever, ...op.number(0)] },
          { name: 'proxy_on_request_body', params: [I32, I32, I32], results: [I32], code: op.number(0) },
        ],
      }),
    );
    const outcomes = await Promise.all([call(), call('onRequestChunk', 'a'), call('onRequestChunk', 'b')]);
    expect(outcomes.map(textOf)).toEqual([expect.stringContaining('timeout: it ran longer than 50 ms'), 'ok', 'ok']);
    expect([crashes.length, isolate.hooks?.has('onRequest')]).toEqual([1, true]);
  });

  test('with a trap fails, and starts again', async () => {
    const { call, crashes } = start(onRequest(op.unreachable));
    expect([textOf(await call()), textOf(await call())]).toEqual(
      Array(2).fill(expect.stringContaining('failed: RuntimeError: unreachable')),
    );
    expect(crashes.length).toBe(2);
  });

  test('in a recursion without end fails', async () => {
    const { call } = start(onRequest(op.call(3), { functions: [{ name: null, code: op.call(3) }] }));
    expect(textOf(await call())).toContain('failed: RangeError');
  });

  test('that takes memory gets none beyond its limit', async () => {
    const grow = [0x03, 0x40, ...op.number(1), ...op.growMemory, ...op.number(0), 0x4e, 0x0d, 0x00, 0x0b];
    const { call } = start(onRequest([...grow, ...op.unreachable]));
    expect(textOf(await call())).toContain(`memory: it used ${MEMORY} of ${MEMORY} bytes`);
  });

  test('that exits ends with a reason', async () => {
    const exit = ['wasi_snapshot_preview1', 'proc_exit', [I32]] as const;
    const { call } = start(onRequest([...op.number(3), ...op.call(0), ...op.drop], { imports: [exit] }));
    expect(textOf(await call())).toContain('failed: the module exited with code 3');
  });

  test('whose ticks trap starts again', async () => {
    const setTick = ['env', 'proxy_set_tick_period_milliseconds', [I32]] as const;
    const { crashes, isolate } = start(
      wasmModule({
        imports: [setTick],
        functions: [
          ...ABI,
          {
            name: 'proxy_on_configure',
            params: [I32, I32],
            results: [I32],
            code: [...op.number(1), ...op.call(0), ...op.drop, ...op.number(1)],
          },
          { name: 'proxy_on_tick', params: [I32], code: op.unreachable },
        ],
      }),
    );
    await isolate.ready();
    while (crashes.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(crashes[0]).toContain('unreachable');
  });

  test('that holds more of a body than it may is refused', async () => {
    const pause = { name: 'proxy_on_request_body', params: [I32, I32, I32], results: [I32], code: op.number(1) };
    const { call } = start(wasmModule({ functions: [...ABI, pause] }));
    const outcome = await call('onRequestChunk', 'a'.repeat(1_001));
    expect(outcome).toMatchObject({ ok: true, changes: { reply: { status: 413 } } });
  });
});
