// Container logs on a real disk: reading returns the written lines.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { until } from '../../support/until.ts';
import { followLog, LogWriter, readLog } from './log-file.ts';

let folder: string;
let file: string;
let log: LogWriter;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-log-'));
  file = path.join(folder, '0.log');
  log = new LogWriter(file);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ALL = { tailLines: null, limitBytes: null, since: null, timestamps: false };

test('lines are complete for any chunks of writes', () => {
  log.write('stdout', Buffer.from('one\ntw'));
  log.write('stderr', Buffer.from('aside\n'));
  log.write('stdout', Buffer.from('o\nthree'));
  expect(readLog(file, ALL)).toBe('one\naside\ntwo\n');
  log.close();
  expect(readLog(file, ALL)).toBe('one\naside\ntwo\nthree\n');
});

test('a part of a log can be requested', () => {
  log.write('stdout', Buffer.from('one\ntwo\n\nfour\n'));
  expect(readLog(file, { ...ALL, tailLines: 2 })).toBe('\nfour\n');
  expect(readLog(file, { ...ALL, limitBytes: 5 })).toBe('one\nt');
  expect(readLog(file, { ...ALL, since: Date.now() + 60_000 })).toBe('');
  expect(readLog(file, { ...ALL, tailLines: 1, timestamps: true })).toMatch(/^\d{4}-\S+Z four\n$/);
  log.close();
});

test('a growing log can be followed, and may be removed meanwhile', async () => {
  log.write('stdout', Buffer.from('before\n'));
  const following = new AbortController();
  let seen = '';
  followLog(file, ALL, (text) => (seen += text), following.signal);
  log.write('stdout', Buffer.from('after\n'));
  await until(() => seen === 'after\n', 'the new line');
  log.close();
  rmSync(folder, { recursive: true });
  following.abort();
});
