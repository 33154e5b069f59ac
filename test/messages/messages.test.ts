// Broken and odd input as people write it, and what `weir validate` says of it: message, line, field, remedy. Each file or folder of
// `cases` is one case, with the expected output beside it in a .txt file; `npm run golden` rewrites those.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { describeValidation } from '../../cli/validate.ts';
import { readOnce } from '../../controller/watch/folder.ts';

const CASES = path.join(import.meta.dirname, 'cases');
/** Certificates of the cases are valid, expired or about to expire at this time. */
const NOW = Date.parse('2026-06-01T00:00:00Z');

const cases = readdirSync(CASES).filter((name) => !name.endsWith('.txt') && !name.startsWith('.'));

/** The output for a case, with paths relative to the cases. */
async function outputOf(name: string): Promise<string> {
  const content = await readOnce([path.join(CASES, name)]);
  return `${describeValidation(content, NOW).join('\n')}\n`.replaceAll(`${CASES}${path.sep}`, '');
}

describe('weir validate on', () => {
  test.each(cases)('%s', async (name) => {
    const golden = path.join(CASES, `${name.replace(/\.\w+$/, '')}.txt`);
    const output = await outputOf(name);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(golden, output);
    else expect(output).toBe(readFileSync(golden, 'utf8'));
  });
});

test('there are sixty cases and more, each with a message', () => {
  expect(cases.length).toBeGreaterThanOrEqual(60);
  const silent = cases.filter(
    (name) => !name.startsWith('fine-') && /^\d+ objects/.test(readFileSync(path.join(CASES, `${name.replace(/\.\w+$/, '')}.txt`), 'utf8')),
  );
  expect(silent).toEqual([]);
});

test('every output belongs to a case', () => {
  const outputs = readdirSync(CASES).filter((name) => name.endsWith('.txt') && statSync(path.join(CASES, name)).isFile());
  const orphans = outputs.filter(
    (name) => !['', '.yaml', '.yml', '.json'].some((ending) => existsSync(path.join(CASES, name.replace(/\.txt$/, ending)))),
  );
  expect(orphans).toEqual([]);
});
