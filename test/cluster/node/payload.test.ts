// The files of a volume on a real disk: complete before and after every change.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { writePayload } from './payload.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-payload-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const nobody = { user: null, group: null };

function write(files: Readonly<Record<string, string>>, mode = 0o644): void {
  writePayload(folder, new Map(Object.entries(files).map(([name, text]) => [name, { content: Buffer.from(text), mode }])), nobody);
}

function read(name: string): string {
  return readFileSync(path.join(folder, name), 'utf8');
}

test('every file is reached through one link to the current version', () => {
  write({ a: '1', 'deep/b': '2' });
  expect([read('a'), read('deep/b')]).toEqual(['1', '2']);
  expect(readlinkSync(path.join(folder, 'a'))).toBe('..data/a');
  expect(readlinkSync(path.join(folder, 'deep'))).toBe('..data/deep');
});

test('a change replaces all files in one step and removes the previous version', () => {
  write({ a: '1', b: '1' });
  const before = readlinkSync(path.join(folder, '..data'));
  write({ a: '2', c: '2' });
  expect([read('a'), read('c')]).toEqual(['2', '2']);
  const current = readlinkSync(path.join(folder, '..data'));
  expect(current).not.toBe(before);
  expect(readdirSync(folder).toSorted()).toEqual(['..data', current, 'a', 'c'].toSorted());
});

test('files have the requested mode', () => {
  write({ key: 'secret' }, 0o400);
  expect(statSync(path.join(folder, 'key')).mode & 0o777).toBe(0o400);
});
