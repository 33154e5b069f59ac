// `npm test`: prepares tools, checks types, lint and format, and runs all jest tests. Tests that need Node only run first, while the tools
// for the others are built. `npm run test:unit` (`--unit`) runs only the tests without a cluster. Other arguments go to jest. The output
// names the tests that this machine cannot run; the last line has the totals of jest.
import os from 'node:os';
import path from 'node:path';
import { installPackages } from './install.ts';
import { runJest } from './jest.ts';
import type { Outcome } from './jest.ts';
import { runBehind, runBeside } from './step.ts';
import { describeLeftOut, remediesFor } from './support/requirements.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
/** More workers than cores: one test waits for a deadline or a process while others run. */
const UNITS_AT_ONCE = os.availableParallelism() + 1;
/** Each cluster test has its own API server, and waits most of the time. */
const CLUSTERS_AT_ONCE = 2;

/** Builds the Go tools of the tests, which takes minutes the first time; resolves to the number of failed builds. */
async function build(): Promise<number> {
  let failed = 0;
  const programs = [
    ['cluster', path.join(ROOT, 'test', 'cluster', 'build.ts')],
    ['go', path.join(ROOT, 'test', 'go-tools.ts')],
  ] as const;
  for (const [need, program] of programs) {
    if (remediesFor([need]).length === 0 && !(await runBehind(process.execPath, [program]))) failed++;
  }
  return failed;
}

/** Checks types, lint and format; resolves to the number of failures. */
async function check(): Promise<number> {
  const bin = (name: string) => path.join(ROOT, 'node_modules', '.bin', name);
  const checks = await Promise.all([
    runBeside(bin('tsc'), ['--noEmit']),
    runBeside(bin('eslint'), ['.']),
    runBeside(bin('prettier'), ['--check', '--log-level', 'warn', '.']),
  ]);
  return checks.filter((passed) => !passed).length;
}

async function everything(args: readonly string[]): Promise<number> {
  const building = build();
  const failedChecks = await check();
  const units = await runJest(['unit'], UNITS_AT_ONCE, args);
  const failedBuilds = await building;
  const others = await runJest(['tool', 'cluster'], CLUSTERS_AT_ONCE, args);
  if (failedChecks > 0) console.log(`${failedChecks} of types, lint and format failed`);
  if (failedBuilds > 0) console.log(`${failedBuilds} builds of what tests need failed`);
  return tell([units, others], failedChecks + failedBuilds);
}

/** Prints the last lines, and returns the exit code. */
function tell(outcomes: readonly Outcome[], failedBeside: number): number {
  const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const [passed, failed, skipped] = [sum((o) => o.passed), sum((o) => o.failed) + failedBeside, sum((o) => o.skipped)];
  for (const leftOut of outcomes.flatMap((outcome) => outcome.leftOut)) console.log(describeLeftOut(leftOut));
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

async function main([first, ...rest]: readonly string[]): Promise<number> {
  installPackages();
  if (first === '--unit') return tell([await runJest(['unit', 'tool'], UNITS_AT_ONCE, rest)], 0);
  return everything(first === undefined ? [] : [first, ...rest]);
}

process.exitCode = await main(process.argv.slice(2));
