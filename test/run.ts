// `npm test`: types, lint, format, then every jest test. The last line counts what jest counted.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
}

const ROOT = path.resolve(import.meta.dirname, '..');

function run(command: string, args: readonly string[]): boolean {
  console.log(`> ${command} ${args.join(' ')}`);
  const started = performance.now();
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit' });
  console.log(`  ${status === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return status === 0;
}

function runJest(args: readonly string[]): JestResult {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-jest-'));
  const outputFile = path.join(folder, 'result.json');
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  try {
    run(process.execPath, [...flags, '--json', `--outputFile=${outputFile}`, ...args]);
    return JSON.parse(readFileSync(outputFile, 'utf8')) as JestResult;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function main(args: readonly string[]): number {
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
  const skipped = result.numPendingTests > 0 ? `, ${result.numPendingTests} skipped` : '';
  console.log(`${result.numPassedTests} passed, ${failed} failed${skipped}`);
  return failed === 0 && result.numPassedTests > 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
