// `weir plugin test FILES`: runs unit tests of plugins in isolates like those of the proxy, and starts WebAssembly modules. `weir plugin
// manifest FILES`: their ConfigMap.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { TestVerdict } from '../proxy/plugin/quickjs/plugin-tests.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';

const TEST = /\.test\.m?[jt]s$/;
const MODULE = /\.wasm(?:\.gz)?$/;
/** Bytes of a ConfigMap. */
const MAX_CONFIG_MAP = 1_048_576;

export const plugin: Command = {
  name: 'plugin',
  arguments: 'test|manifest FILES...',
  summary:
    'test: runs the tests of plugins, files whose names end with .test.ts or .test.js, in isolates like those of the proxy, and starts WebAssembly modules (.wasm). manifest: prints a ConfigMap with the files.',
  flags: [],
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf([]), {}, true);
    const [run, files] = actionOf('plugin', { test, manifest }, values.positionals);
    return run(files);
  },
};

/** Prints a ConfigMap with the files, named after the first one. */
function manifest(files: readonly string[]): Promise<number> {
  const [first] = files;
  if (first === undefined) throw new UsageError('weir plugin manifest takes the files of a ConfigMap');
  const name = path.basename(first).replace(/\..*$/, '').toLowerCase();
  const entries = (encoding: 'utf8' | 'base64'): Readonly<Record<string, string>> =>
    Object.fromEntries(
      files.filter((file) => MODULE.test(file) === (encoding === 'base64')).map((file) => [path.basename(file), read(file, encoding)]),
    );
  const [data, binaryData] = [entries('utf8'), entries('base64')];
  const parts = Object.entries({ data, binaryData }).filter(([, part]) => Object.keys(part).length > 0);
  console.log(stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...Object.fromEntries(parts) }).trimEnd());
  const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
  if (size > MAX_CONFIG_MAP)
    console.error(`the files have ${size} bytes, and a ConfigMap of a cluster has ${MAX_CONFIG_MAP} at most: compress modules with gzip`);
  return Promise.resolve(0);
}

function read(file: string, encoding: 'utf8' | 'base64'): string {
  try {
    return readFileSync(file, encoding);
  } catch {
    throw new UsageError(`${file} cannot be read`);
  }
}

async function test(paths: readonly string[]): Promise<number> {
  const files = paths.flatMap(testsIn);
  if (files.length === 0)
    throw new UsageError('weir plugin test takes files or folders with tests, or modules: names that end with .test.ts, .test.js or .wasm');
  // That Node.js calls its removal of types experimental says nothing to the author of a plugin.
  process.removeAllListeners('warning');
  let failed = 0;
  for (const file of files) failed += await testFile(file);
  return failed === 0 ? 0 : 1;
}

/** The number of tests that fail. */
async function testFile(file: string): Promise<number> {
  const results = await resultsOf(file);
  if (typeof results === 'string') {
    console.log(`${file}: ${results}`);
    return 1;
  }
  for (const { name, reason } of results) console.log(`${reason === '' ? 'ok' : 'FAILED'} ${name}${reason === '' ? '' : `: ${reason}`}`);
  const failed = results.filter(({ reason }) => reason !== '').length;
  console.log(`${file}: ${results.length} tests, ${failed} failed`);
  return failed;
}

/** A text: why they cannot be run. */
async function resultsOf(file: string): Promise<readonly TestVerdict[] | string> {
  try {
    if (MODULE.test(file)) return [await startOf(file)];
    const { runPluginTests } = await import('../proxy/plugin/quickjs/plugin-tests.ts');
    const results = await runPluginTests(file);
    return results.ok ? results.value : results.error;
  } catch (error) {
    return error instanceof Error ? error.message : 'the file cannot be read';
  }
}

/** Whether a WebAssembly module starts, as a test. */
async function startOf(file: string): Promise<TestVerdict> {
  const { checkModule } = await import('../proxy/plugin/wasm/module-check.ts');
  const hooks = await checkModule(file);
  return hooks.ok
    ? { name: `the module starts, with ${hooks.value.join(', ')}`, reason: '' }
    : { name: 'the module starts', reason: hooks.error };
}

function testsIn(place: string): readonly string[] {
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined) throw new UsageError(`${place} does not exist`);
  if (!found.isDirectory()) return [place];
  return readdirSync(place)
    .filter((name) => TEST.test(name) || MODULE.test(name))
    .sort()
    .map((name) => path.join(place, name));
}
