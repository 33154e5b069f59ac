// docs/reference/cli.md and `weir help` tell the same.
import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { runWeir } from '../test/support/child.ts';

const DOCUMENT = readFileSync(path.resolve(import.meta.dirname, '..', 'docs', 'reference', 'cli.md'), 'utf8');

test('every command is documented with the usage that help prints', async () => {
  const { code, stdout } = await runWeir(['help']);
  expect(code).toBe(0);
  const usages = [...stdout.matchAll(/^ {2}(weir .*)$/gm)].map((match) => match[1] as string);
  expect(usages.length).toBeGreaterThanOrEqual(3);
  for (const usage of usages) expect(DOCUMENT).toContain(`    ${usage}\n`);
});
