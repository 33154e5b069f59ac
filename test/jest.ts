// Runs jest for `npm test`: one run per set of groups, with its result.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { matchOf } from './groups.ts';
import type { Group } from './groups.ts';
import { run } from './step.ts';
import { COMPILE_CACHE, makeCompileCache } from './support/compile-cache.ts';
import { LEFT_OUT_FILE, readLeftOut } from './support/requirements.ts';
import type { LeftOut } from './support/requirements.ts';

/** The totals of jest. */
export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly leftOut: readonly LeftOut[];
}

/** Field names are those of jest. */
interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
}

const SEQUENCER = path.join(import.meta.dirname, 'sequencer.mjs');
/** Modules of finished test files stay in the heap of their worker, and make garbage collection slower. */
const MAX_IDLE_MEMORY = '400MB';
const FLAGS = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

/** Runs the test files of some groups, `workers` at a time; `args` go to jest. */
export async function runJest(groups: readonly Group[], workers: number, args: readonly string[]): Promise<Outcome> {
  makeCompileCache();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-jest-'));
  const outputFile = path.join(folder, 'result.json');
  const leftOutFile = path.join(folder, 'left-out');
  // A failed test may leave a socket open: the run must end anyway.
  const ours = [
    '--forceExit',
    '--passWithNoTests',
    '--json',
    `--outputFile=${outputFile}`,
    `--maxWorkers=${workers}`,
    `--workerIdleMemoryLimit=${MAX_IDLE_MEMORY}`,
    `--testSequencer=${SEQUENCER}`,
  ];
  try {
    const ok = await run(process.execPath, [...FLAGS, ...args, ...ours, ...matchOf(groups)], {
      [LEFT_OUT_FILE]: leftOutFile,
      NODE_COMPILE_CACHE: COMPILE_CACHE,
    });
    return { ...counted(outputFile, ok), leftOut: readLeftOut(leftOutFile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run without a result had no file to run, or was aborted; that counts as a failure. */
function counted(file: string, ok: boolean): Omit<Outcome, 'leftOut'> {
  let result: JestResult;
  try {
    result = JSON.parse(readFileSync(file, 'utf8')) as JestResult;
  } catch {
    return { passed: 0, failed: ok ? 0 : 1, skipped: 0 };
  }
  const failed = result.numFailedTests + (result.numFailedTests === 0 ? result.numFailedTestSuites : 0);
  return { passed: result.numPassedTests, failed, skipped: result.numPendingTests };
}
