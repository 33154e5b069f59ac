// `weir plugin test` on the example.
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const ROOT = path.resolve(import.meta.dirname, '..');

test('the tests of the example pass', async () => {
  const program = [path.join(ROOT, 'cli', 'weir.ts'), 'plugin', 'test', path.join(ROOT, 'examples', 'plugin')];
  const { stdout } = await promisify(execFile)(process.execPath, program);
  expect(stdout).toContain('an answer has a greeting');
  expect(stdout).toContain(': 2 tests, 0 failed');
});
