// `weir plugin` on the example, and on a WebAssembly module.
import { afterAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parse } from 'yaml';
import { ABI, I32, op, wasmModule } from '../test/support/wasm-module.ts';

const ROOT = path.resolve(import.meta.dirname, '..');

const folder = mkdtempSync(path.join(tmpdir(), 'weir-plugin-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the command prints, also if it fails. */
async function run(...args: readonly string[]): Promise<string> {
  const program = [path.join(ROOT, 'cli', 'weir.ts'), 'plugin', ...args];
  try {
    return (await promisify(execFile)(process.execPath, program)).stdout;
  } catch (failure) {
    return (failure as { readonly stdout: string }).stdout;
  }
}

test('the tests of the example pass', async () => {
  const stdout = await run('test', path.join(ROOT, 'examples', 'plugin'));
  expect(stdout).toContain('an answer has a greeting');
  expect(stdout).toContain(': 2 tests, 0 failed');
});

test('a WebAssembly module starts, or says why not', async () => {
  const callback = { name: 'proxy_on_request_headers', params: [I32, I32, I32], results: [I32], code: op.number(0) };
  writeFileSync(path.join(folder, 'good.wasm'), wasmModule({ functions: [...ABI, callback] }));
  writeFileSync(path.join(folder, 'bad.wasm'), 'no module');
  const stdout = await run('test', folder);
  expect(stdout).toContain('ok the module starts, with onRequest\n');
  expect(stdout).toContain('FAILED the module starts: it is no WebAssembly module of version 1\n');
});

test('a manifest has modules as binary data', async () => {
  writeFileSync(path.join(folder, 'a.wasm'), Buffer.from([0, 255]));
  writeFileSync(path.join(folder, 'b.ts'), 'export default {};');
  expect(parse(await run('manifest', path.join(folder, 'a.wasm'), path.join(folder, 'b.ts')))).toEqual({
    ...{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
    data: { 'b.ts': 'export default {};' },
    binaryData: { 'a.wasm': 'AP8=' },
  });
});
