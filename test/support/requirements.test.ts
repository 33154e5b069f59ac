// Missing programs are simulated by an empty PATH; a separate run of jest shows the result for the tests.
import { afterAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describeLeftOut, LEFT_OUT_FILE, missingPackages, readLeftOut, remediesFor } from './requirements.ts';

const ROOT = path.resolve(import.meta.dirname, '..', '..');
const TEST_FILE = `
import { test } from '@jest/globals';
import { describeWith } from ${JSON.stringify(path.join(import.meta.dirname, 'describe-with.ts'))};
describeWith(['ip'], 'needs a program', () => test('runs', () => undefined));
describeWith([], 'needs nothing', () => test('runs', () => undefined));
`;

const folder = mkdtempSync(path.join(os.tmpdir(), 'weir-left-out-'));
const bare = { PATH: path.join(folder, 'nowhere') };

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('requirements', () => {
  test('name the remedy for each missing program', () => {
    expect(remediesFor(['ip'], bare)).toEqual(['apt-get install iproute2']);
    expect(missingPackages(bare)).toEqual([
      'iproute2',
      'nftables',
      'conntrack',
      'git',
      'haproxy',
      'curl',
      'zsh',
      'fish',
      'prometheus',
      'redis-server',
      'chromium',
    ]);
  });

  test('are empty if nothing is needed', () => {
    expect(remediesFor([], bare)).toEqual([]);
  });
});

describe('describeWith', () => {
  test('names the tests that this machine cannot run, and runs the others', () => {
    const file = path.join(folder, 'left-out');
    const { status, output } = runJest({ ...bare, [LEFT_OUT_FILE]: file });
    expect(output).toContain('1 skipped, 1 passed');
    expect(status).toBe(0);
    const leftOut = readLeftOut(file).map(describeLeftOut);
    expect(leftOut).toEqual(['left out: needs a program. To run it: apt-get install iproute2']);
  });

  test('fails these tests with CI=true', () => {
    const { status, output } = runJest({ ...bare, CI: 'true' });
    expect(output).toContain('this machine cannot run these tests: apt-get install iproute2');
    expect(output).toContain('1 failed, 1 passed');
    expect(status).toBe(1);
  });
});

function runJest(env: NodeJS.ProcessEnv): { readonly status: number | null; readonly output: string } {
  writeFileSync(path.join(folder, 'needs.test.ts'), TEST_FILE);
  const config = {
    rootDir: folder,
    testMatch: ['**/*.test.ts'],
    extensionsToTreatAsEsm: ['.ts'],
    transform: { '\\.ts$': path.join(import.meta.dirname, 'strip-types.mjs') },
    modulePaths: [path.join(ROOT, 'node_modules')],
  };
  const jest = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = ['--experimental-vm-modules', jest, '--config', JSON.stringify(config), '--maxWorkers=1'];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' });
  return { status, output: stderr };
}
