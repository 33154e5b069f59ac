// `npm test`: what tests need, types, lint, format, then every jest test. Says which tests this machine cannot run; the last line counts
// what jest counted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { installPackages } from './install.ts';
import { describeLeftOut, LEFT_OUT_FILE, readLeftOut, remediesFor } from './support/requirements.ts';
import type { LeftOut } from './support/requirements.ts';

interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
  readonly leftOut: readonly LeftOut[];
}

const ROOT = path.resolve(import.meta.dirname, '..');

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): boolean {
  console.log(`> ${command} ${args.join(' ')}`);
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', env: { ...process.env, ...env } });
  console.log(`  ${status === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return status === 0;
}

function runJest(args: readonly string[]): JestResult {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-jest-'));
  const outputFile = path.join(folder, 'result.json');
  const leftOutFile = path.join(folder, 'left-out');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  try {
    // A test that fails may leave a socket open: the run must end all the same.
    run(process.execPath, [...flags, '--forceExit', '--json', `--outputFile=${outputFile}`, ...args], { [LEFT_OUT_FILE]: leftOutFile });
    const result = JSON.parse(readFileSync(outputFile, 'utf8')) as Omit<JestResult, 'leftOut'>;
    return { ...result, leftOut: readLeftOut(leftOutFile) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Before jest, because it takes minutes the first time and a test has seconds. A failure shows in the tests that need the parts. */
function prepare(): void {
  installPackages();
  if (remediesFor(['cluster']).length === 0) run(process.execPath, [path.join(ROOT, 'test', 'cluster', 'build.ts')]);
  if (remediesFor(['go']).length === 0) run(process.execPath, [path.join(ROOT, 'test', 'go-tools.ts')]);
}

function main(args: readonly string[]): number {
  prepare();
  const bin = path.join(ROOT, 'node_modules', '.bin');
  const checks = [
    run(path.join(bin, 'tsc'), ['--noEmit']),
    run(path.join(bin, 'eslint'), ['.']),
    run(path.join(bin, 'prettier'), ['--check', '--log-level', 'warn', '.']),
  ];
  const result = runJest(args);
  const failedChecks = checks.filter((passed) => !passed).length;
  const failed = result.numFailedTests + (result.numFailedTests === 0 ? result.numFailedTestSuites : 0) + failedChecks;
  if (failedChecks > 0) console.log(`${failedChecks} of types, lint and format failed`);
  for (const leftOut of result.leftOut) console.log(describeLeftOut(leftOut));
  const skipped = result.numPendingTests > 0 ? `, ${result.numPendingTests} skipped` : '';
  console.log(`${result.numPassedTests} passed, ${failed} failed${skipped}`);
  return failed === 0 && result.numPassedTests > 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
