// Modules without their thread: those that are refused, and host functions with hostile arguments.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { ABI, I32, I64, onRequest, op, wasmModule, type WasmFunction } from '../../../test/support/wasm-module.ts';
import type { WasmSettings } from '../../exchange/plugins.ts';
import type { Envelope } from '../message.ts';
import { compiledModule } from './compiled-module.ts';
import { hostFunctions } from './guest-module.ts';
import { ModuleState } from './module-state.ts';
import { OutgoingCalls } from './outgoing-calls.ts';
import { wasiFunctions } from './wasi.ts';
import { WasmIsolate } from './wasm-isolate.ts';

const MEMORY = 1_048_576;
const SETTINGS: WasmSettings = {
  ...{ rootId: '', requestBody: 'Streamed', responseBody: 'None', logLevel: 0, sha256: '', maxBodySize: 1_000 },
};
const OPTIONS = {
  source: Buffer.alloc(0),
  name: 'code/test.wasm',
  config: '',
  backends: ['users'],
  settings: SETTINGS,
  callTime: 50,
  memory: MEMORY,
};

/** The isolate of a module, and what it sent; or why there is none. */
async function opened(source: Buffer, sha256 = ''): Promise<{ readonly isolate: WasmIsolate; readonly sent: Envelope[] } | string> {
  const module = await compiledModule({ source, memory: MEMORY, wasm: { ...SETTINGS, sha256 } });
  if (!module.ok) return module.error;
  const sent: Envelope[] = [];
  const isolate = new WasmIsolate(module.value, { ...OPTIONS, send: (envelope) => sent.push(envelope) }, (action) => void action());
  const loaded = isolate.load();
  return loaded.ok ? { isolate, sent } : loaded.error;
}

async function load(source: Buffer, sha256 = ''): Promise<string | null> {
  const module = await opened(source, sha256);
  return typeof module === 'string' ? module : null;
}

/** The answer of the module to a request. */
async function answer(source: Buffer): Promise<unknown> {
  const module = await opened(source);
  if (typeof module === 'string') return module;
  const request = {
    ...{ method: 'GET', scheme: 'http', host: 'app.example', client: '192.0.2.1', principal: null, path: '/a', query: '' },
    headers: ['user-agent', 'test'],
  };
  const broken = module.isolate.dispatch([
    JSON.stringify({ type: 'call', call: 1, exchange: 1, hook: 'onRequest', keep: true, request }),
    null,
  ]);
  return broken ?? JSON.parse(module.sent.at(-1)?.[0] ?? 'null');
}

describe('a module cannot be used', () => {
  const many = (count: number): number[] => [...Array.from({ length: count }, () => 0x60)];
  test.each([
    ['that is no WebAssembly', Buffer.from('hello, world'), 'no WebAssembly module'],
    ['that is compressed and torn', gzipSync(wasmModule({ functions: ABI })).subarray(0, 40), 'compressed'],
    ['that expands without end', gzipSync(Buffer.alloc(17 * 1_048_576)), 'more than 16777216 bytes'],
    ['of another ABI', wasmModule({ functions: [{ name: 'run', code: [] }] }), 'does not export proxy_abi_version_0_2_1'],
    ['without its memory', wasmModule({ functions: ABI, memory: null }), 'does not export its memory'],
    ['with a strange import', onRequest([], { imports: [['env', 'system', [I32]]] }), 'imports env.system'],
    ['with a name of an object as an import', onRequest([], { imports: [['env', 'constructor', [I32]]] }), 'imports env.constructor'],
    ['with a module of objects as an import', onRequest([], { imports: [['__proto__', 'toString', [I32]]] }), 'imports __proto__'],
    ['that needs more memory', wasmModule({ functions: ABI, memory: [0x00, 17] }), 'needs 1114112 bytes of memory'],
    ['with shared memory', wasmModule({ functions: ABI, memory: [0x03, 1, 1] }), 'shared or 64-bit memory'],
    ['with 64-bit memory', wasmModule({ functions: ABI, memory: [0x04, 1] }), 'shared or 64-bit memory'],
    ['with types of garbage collection', wasmModule({ functions: ABI, more: [[1, [1, 0x5e, 0x78, 0x00]]] }), 'garbage collection'],
    ['with a torn section', wasmModule({ functions: ABI }).subarray(0, -4), 'ends too early'],
    ['with too many members', wasmModule({ functions: ABI, more: [[3, [0xff, 0xff, 0x7f, ...many(3)]]] }), 'section 3 has more than'],
    ['that traps at its start', wasmModule({ functions: [...ABI, { name: null, code: op.unreachable }], start: 2 }), 'unreachable'],
    [
      'that refuses its configuration',
      wasmModule({ functions: [...ABI, { name: 'proxy_on_configure', params: [I32, I32], results: [I32], code: op.number(0) }] }),
      'refuses its configuration',
    ],
  ])('%s', async (_, source, reason) => {
    expect(await load(source)).toContain(reason);
  });

  test('with another digest than its policy names', async () => {
    const source = wasmModule({ functions: ABI });
    const digest = createHash('sha256').update(source).digest('hex');
    expect(await load(source, 'ab'.repeat(32))).toContain(`has the SHA-256 ${digest}`);
    expect(await load(source, digest.toUpperCase())).toBe(null);
  });
});

describe('pointers', () => {
  /** A module that answers with the status of a host function plus 200. */
  function statusOf(name: string, params: readonly number[], values: readonly number[], from = 'env'): Buffer {
    const send = ['env', 'proxy_send_local_response', Array(8).fill(I32) as number[]] as const;
    const arguments_ = values.flatMap((value, i) => (params[i] === I64 ? [0x42, 0x01] : op.number(value)));
    const rest = [0, 0, 0, 0, 0, 0, -1].flatMap((value) => op.number(value));
    const code = [...arguments_, ...op.call(0), ...op.number(200), 0x6a, ...rest, ...op.call(1), ...op.drop];
    return onRequest(code, { imports: [[from, name, params], send] });
  }

  const far = 0x7fff_ffff;
  test.each([
    ['proxy_log', [2, far, 10]],
    ['proxy_log', [2, 65_530, 10]],
    ['proxy_log', [2, -1, -1]],
    ['proxy_get_header_map_value', [0, far, 1, 0, 4]],
    ['proxy_get_header_map_pairs', [0, far, 0]],
    ['proxy_get_header_map_pairs', [0, 0, 65_534]],
    ['proxy_set_header_map_pairs', [0, far, 100]],
    ['proxy_get_property', [0, -1, 0, 4]],
    ['proxy_set_shared_data', [0, 1, far, 1, 0]],
    ['proxy_http_call', [far, 1, 0, 0, 0, 0, 0, 0, 1, 0]],
  ] as const)('of %s(%j) outside of the memory are told', async (name, values) => {
    expect(
      await answer(
        statusOf(
          name,
          values.map(() => I32),
          values,
        ),
      ),
    ).toMatchObject({ changes: { reply: { status: 206 } } });
  });

  test('to which the module allocates outside of its memory are told', async () => {
    const allocate = { name: 'proxy_on_memory_allocate', params: [I32], results: [I32], code: op.number(far) };
    const pairs = ['env', 'proxy_get_header_map_pairs', [I32, I32, I32]] as const;
    const send = ['env', 'proxy_send_local_response', Array(8).fill(I32) as number[]] as const;
    const rest = [0, 0, 0, 0, 0, 0, -1].flatMap((value) => op.number(value));
    const code = [...op.number(0), ...op.number(0), ...op.number(4), ...op.call(0), ...op.number(200), 0x6a, ...rest, ...op.call(1)];
    const callback = { name: 'proxy_on_request_headers', params: [I32, I32, I32], results: [I32], code };
    const module = wasmModule({ imports: [pairs, send], functions: [ABI[0] as WasmFunction, allocate, callback] });
    expect(await answer(module)).toMatchObject({ changes: { reply: { status: 206 } } });
  });

  test('and other arguments of all functions are no exception', () => {
    const events = { resumed: () => undefined, done: () => undefined, queued: () => undefined, setTick: () => undefined };
    const state = new ModuleState({ ...OPTIONS, send: () => undefined }, events);
    const memory = { buffer: new ArrayBuffer(65_536) };
    state.memory.attach(memory as never, (size) => (size < 4_096 ? 1_024 : 0));
    const functions = Object.entries({
      ...hostFunctions(state, new OutgoingCalls(state)),
      ...wasiFunctions(state.memory, () => undefined),
    });
    const value = fc.oneof(fc.integer({ min: -5, max: 300 }), fc.integer({ min: 65_500, max: 65_600 }), fc.integer());
    const attack = fc.tuple(
      fc.constantFrom(...functions),
      fc.array(value, { minLength: 12, maxLength: 12 }),
      fc.uint8Array({ maxLength: 64 }),
    );
    fc.assert(
      fc.property(attack, ([[name, call], values, content]) => {
        if (name === 'proc_exit') return;
        new Uint8Array(memory.buffer).set(content);
        const wide = /^proxy_(record|increment)_metric$/.test(name);
        const result = call(...(values.map((each, i) => (wide && i === 1 ? BigInt(each) : each)) as never[])) as number;
        expect(Number.isInteger(result) && result >= 0 && result <= 58).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });
});
