// The meter of WebAssembly: code can be ended wherever it is, and works as before otherwise. Malformed modules are refused.
import { describe, expect, test } from '@jest/globals';
import { compileEngine, newEngine } from '../quickjs/engine.ts';
import { metered } from './meter.ts';
import { WasmError } from './wasm-reader.ts';
import { WasmWriter } from './wasm-writer.ts';

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

/** A module with one function `run` without values. */
function moduleOf(code: readonly number[]): Uint8Array {
  const out = new WasmWriter().byte(...HEADER);
  out.byte(1).sized(Uint8Array.of(1, 0x60, 0, 0));
  out.byte(3).sized(Uint8Array.of(1, 0));
  out.byte(7).sized(new WasmWriter().u32(1).text('run').byte(0, 0).written);
  const body = Uint8Array.of(0, ...code, 0x0b);
  return out.byte(10).sized(new WasmWriter().u32(1).sized(body).written).written;
}

async function run(module: Uint8Array, ticks: number): Promise<string> {
  let left = ticks;
  const tick = (): number => {
    if (--left < 0) throw new Error('ended');
    return 1_000;
  };
  const compiled = await WebAssembly.compile(metered(module));
  const { run: exported } = new WebAssembly.Instance(compiled, { weir: { tick } }).exports as { readonly run: () => void };
  try {
    exported();
  } catch (error) {
    return (error as Error).message;
  }
  return 'done';
}

describe('metered code', () => {
  test.each([
    ['an endless loop', [0x03, 0x40, 0x0c, 0, 0x0b]],
    ['an endless loop in a loop', [0x03, 0x40, 0x03, 0x40, 0x0c, 1, 0x0b, 0x0b]],
  ])('with %s ends when the host says so', async (_, code) => {
    expect(await run(moduleOf(code), 3)).toMatch(/^ended|call stack/);
  });

  test('without loops runs to its end', async () => {
    expect(await run(moduleOf([0x01]), 1)).toBe('done');
  });

  test('of the engine computes as before', async () => {
    let looks = 0;
    const { quickJs } = await newEngine(await compileEngine(), () => (looks++, 1_000));
    const source = `JSON.stringify([...Array(300).keys()].map((i) => 'a'.repeat(i).replaceAll('aa', 'b').length).sort((a, b) => b - a))`;
    const lengths = [...Array(300).keys()].map((i) => Math.ceil(i / 2)).sort((a, b) => b - a);
    expect([JSON.parse(quickJs.evalCode(source) as string), looks > 0]).toEqual([lengths, true]);
  });
});

describe('a malformed module', () => {
  const module = moduleOf([0x03, 0x40, 0x0c, 0, 0x0b]);

  test.each(Array.from({ length: module.length - 1 }, (_, length) => [length]))(
    'of its first %i bytes is refused or harmless',
    (length) => {
      expectRefusedOrRead(module.subarray(0, length));
    },
  );

  test('with changed bytes is refused or read', () => {
    for (let at = 0; at < module.length; at++)
      for (const byte of [0, 1, 0x7f, 0x80, 0xff]) expectRefusedOrRead(Uint8Array.from(module, (old, i) => (i === at ? byte : old)));
  });

  test('with an instruction for threads is refused', () => {
    expect(() => metered(moduleOf([0xfe, 0x03, 0]))).toThrow('instruction that cannot be metered');
  });
});

function expectRefusedOrRead(module: Uint8Array): void {
  try {
    metered(module);
  } catch (error) {
    expect(error).toBeInstanceOf(WasmError);
  }
}
