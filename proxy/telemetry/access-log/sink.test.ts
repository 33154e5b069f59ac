// The sink of the access log on real pipes and files: lines stay complete and in order, and the writer never waits.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, createReadStream, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { until } from '../../../test/support/until.ts';
import { LogSink } from './sink.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'weir-sink-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function makePipe(): string {
  const fifo = path.join(folder, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  return fifo;
}

function line(index: number): string {
  return `${String(index).padStart(6, '0')} ${'\u00e9'.repeat(index % 300)}\n`;
}

function numbered(text: string): number[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((each) => Number(each.slice(0, 6)));
}

/** The bytes in the pipe, from one read. */
function readSome(descriptor: number): string {
  const buffer = Buffer.alloc(1_048_576);
  return buffer.toString('utf8', 0, readSync(descriptor, buffer));
}

describe.each([
  ['alone', false],
  ['with other workers', true],
])('a pipe, %s', (_, shared) => {
  test('gets every line complete and in order, although the reader is late', async () => {
    const fifo = makePipe();
    const sink = new LogSink(fifo, shared);
    const count = 5_000;
    // More than the pipe has room for, and less than may wait.
    for (let i = 0; i < count; i++) sink.write(line(i));
    expect(sink.dropped).toBe(0);
    let text = '';
    const reader = createReadStream(fifo).on('data', (chunk) => (text += String(chunk)));
    await until(() => text.length >= Array.from({ length: count }, (__, i) => line(i).length).reduce((a, b) => a + b), 'every line');
    expect(numbered(text)).toEqual(Array.from({ length: count }, (__, i) => i));
    expect(await sink.close(5_000)).toBe(true);
    reader.destroy();
  });
});

test('a single line arrives', async () => {
  const fifo = makePipe();
  const sink = new LogSink(fifo, true);
  const reader = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  sink.write('alone\n');
  let text = '';
  await until(() => {
    try {
      text += readSome(reader);
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
    }
    return text === 'alone\n';
  }, 'the line');
  closeSync(reader);
  await sink.close(1_000);
});

test('several workers do not mix their lines in a pipe', async () => {
  const fifo = makePipe();
  const sinks = [0, 1, 2].map(() => new LogSink(fifo, true));
  let text = '';
  const reader = createReadStream(fifo).on('data', (chunk) => (text += String(chunk)));
  const rounds = 2_000;
  for (let i = 0; i < rounds; i++) {
    for (const sink of sinks) sink.write(`${'abcdefghij'.repeat(i % 90)}.\n`);
    if (i % 50 === 0) await new Promise(setImmediate);
  }
  await Promise.all(sinks.map((sink) => sink.close(5_000)));
  await until(() => text.split('\n').length === rounds * 3 + 1, 'every line');
  for (const each of text.split('\n').slice(0, -1)) expect(each).toMatch(/^(?:abcdefghij)*\.$/);
  reader.destroy();
});

describe('a file', () => {
  test('gets every line', async () => {
    const file = path.join(folder, 'log');
    const sink = new LogSink(file, false);
    for (let i = 0; i < 10_000; i++) sink.write(line(i));
    expect(await sink.close(5_000)).toBe(true);
    expect(numbered(readFileSync(file, 'utf8'))).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
  });

  test('reopens after a rename, and no line is lost', async () => {
    const [file, rotated] = [path.join(folder, 'log'), path.join(folder, 'log.1')];
    const sink = new LogSink(file, false);
    for (let i = 0; i < 5_000; i++) sink.write(line(i));
    renameSync(file, rotated);
    expect(sink.reopen()).toBeNull();
    for (let i = 5_000; i < 10_000; i++) sink.write(line(i));
    expect(await sink.close(5_000)).toBe(true);
    const all = [...numbered(readFileSync(rotated, 'utf8')), ...numbered(readFileSync(file, 'utf8'))];
    expect(all).toEqual(Array.from({ length: 10_000 }, (_, i) => i));
    expect(readFileSync(file, 'utf8')).toContain(line(9_999));
  });

  test('stays in use if it cannot be reopened', async () => {
    const inner = path.join(folder, 'inner');
    expect(spawnSync('mkdir', [inner]).status).toBe(0);
    const sink = new LogSink(path.join(inner, 'log'), false);
    renameSync(inner, path.join(folder, 'moved'));
    expect(sink.reopen()).toMatch(/ENOENT/);
    sink.write('kept\n');
    expect(await sink.close(5_000)).toBe(true);
    expect(readFileSync(path.join(folder, 'moved', 'log'), 'utf8')).toBe('kept\n');
  });
});
