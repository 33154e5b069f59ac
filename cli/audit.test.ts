// `weir audit verify`: as a process, on files.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { GENESIS } from '../admin/audit/entry.ts';
import { entryLine, headerLine } from '../admin/audit/exported-log.ts';
import { chainOf, facts } from '../test/support/audit-entries.ts';

const ENTRIES = chainOf([facts(), facts(), facts()]);
const [, SECOND, LAST] = ENTRIES;
const TEXT = headerLine({ from: GENESIS, to: LAST! }) + ENTRIES.map(entryLine).join('');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-audit-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function weir(args: readonly string[]): Promise<readonly [code: number, output: string]> {
  const command = [path.join(import.meta.dirname, 'weir.ts'), 'audit', ...args];
  try {
    return [0, (await promisify(execFile)(process.execPath, command)).stdout.trim()];
  } catch (error) {
    const { code, stdout, stderr } = error as { readonly code: number; readonly stdout: string; readonly stderr: string };
    return [code, `${stdout}${stderr}`.trim()];
  }
}

function fileWith(text: string): string {
  const file = path.join(folder, 'audit.jsonl');
  writeFileSync(file, text);
  return file;
}

test('says that an export is whole, with its last entry as an anchor', async () => {
  const file = fileWith(TEXT);
  const args = ['verify', file, '--anchor', `2:${SECOND!.hash}, 3:${LAST!.hash}`];
  const [text, json] = await Promise.all([weir(args), weir([...args, '-o', 'json'])]);
  expect(text).toEqual([0, `${file} is whole: entries 1 to 3.\nanchor 3:${LAST!.hash}`]);
  expect([json[0], JSON.parse(json[1])]).toEqual([0, expect.objectContaining({ entries: 3, broken: null })]);
});

test('names the first broken entry, and ends with 1', async () => {
  const file = fileWith(TEXT.replace('"reason":""', '"reason":"x"'));
  const broken = `${file} is broken: entry 1 was changed: its content does not have its hash. 0 entries before it are whole.`;
  expect(await weir(['verify', file])).toEqual([1, broken]);
});

test('names mistakes of the command line and files that are no exports', async () => {
  const file = fileWith('text\n');
  expect(await weir(['verify', file])).toEqual([2, expect.stringContaining(`${file} is no export of the audit log`)]);
  expect(await weir(['verify', file, '--anchor', '1:x'])).toEqual([2, expect.stringContaining('"1:x" must be NUMBER:HASH')]);
});
