// Runs the unit tests of plugins, each file in an isolate like that of the proxy.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { err, ok, type Result } from '#lib/result.ts';
import { compileEngine } from './engine.ts';
import { QuickJsIsolate } from './quickjs-isolate.ts';
import { withoutTypes } from './without-types.ts';

/** The result of one test; `reason` '': it passes. */
export interface TestVerdict {
  readonly name: string;
  readonly reason: string;
}

/** Processor time and memory of the tests of a file. */
const CALL_TIME = 10_000;
const MEMORY = 64 * 1_048_576;
const TEST_SDK = `export * from 'weir:guest/tests.ts';`;
const ENTRY = `
import { runTests } from 'weir:guest/tests.ts';
import 'weir:plugin';
import { stuckCalls } from 'weir:guest/calls.ts';
import { describe } from 'weir:guest/values.ts';
const send = globalThis.weirTestSend;
globalThis.weirStuckCalls = stuckCalls;
globalThis.weirHooks = '[]';
globalThis.weirDispatch = () => {
  runTests().then((tests) => send(JSON.stringify({ type: 'done', tests })), (error) => send(JSON.stringify({ type: 'failed', reason: describe(error) })));
  return '';
};
`;
/** Modules of the folder of the test. */
const OWN = /^(?:\.\/)?([\w-][\w.-]*\.m?[jt]s)$/;

/** Runs the tests of a file. The reason if they cannot be run. */
export async function runPluginTests(file: string): Promise<Result<readonly TestVerdict[]>> {
  const folder = path.dirname(file);
  const results: string[] = [];
  const prepared = await QuickJsIsolate.prepare(await compileEngine());
  const isolate = prepared({
    ...{ source: sourceIn(folder, path.basename(file)), config: '{}', callTime: CALL_TIME, memory: MEMORY, entry: ENTRY },
    module: (name) => (name === '@weir/sdk/test' ? TEST_SDK : moduleIn(folder, name)),
    send: ([text]) => results.push(text),
  });
  const loaded = isolate.load();
  if (!loaded.ok) return loaded;
  const broken = isolate.dispatch(['{}', null]);
  if (broken !== null) return err(broken.reason);
  const { tests } = JSON.parse(results.at(-1) ?? '{}') as { readonly tests?: readonly TestVerdict[] };
  return tests === undefined ? err('a test waits for something that never comes') : ok(tests);
}

function moduleIn(folder: string, name: string): string | null {
  const own = OWN.exec(name)?.[1];
  return own === undefined ? null : sourceIn(folder, own);
}

function sourceIn(folder: string, name: string): string {
  const text = readFileSync(path.join(folder, name), 'utf8');
  return /\.m?ts$/.test(name) ? withoutTypes(text) : text;
}
