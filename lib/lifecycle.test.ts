import { describe, expect, test } from '@jest/globals';
import { Lifecycle } from './lifecycle.ts';
import type { Component } from './lifecycle.ts';
import { createLog } from './log.ts';

let told: string[] = [];
let lines: string[] = [];

function make(...rows: readonly Readonly<Record<string, Component | null>>[]): Lifecycle {
  told = [];
  lines = [];
  return new Lifecycle(rows, createLog('info', { write: (line) => void lines.push(line) }));
}

/** Records its calls. */
function part(name: string, more: Component = {}): Component {
  return {
    start: () => void told.push(`${name} starts`),
    resume: () => void told.push(`${name} resumes`),
    stop: () => void told.push(`${name} stops`),
    ...more,
  };
}

describe('a lifecycle', () => {
  test('starts, resumes and stops row by row', async () => {
    const lifecycle = make({ a: part('a'), none: null }, { b: part('b'), c: { stop: () => void told.push('c stops') } });
    expect(await lifecycle.start()).toBe(true);
    expect(lifecycle.isRunning).toBe(true);
    lifecycle.resume();
    await lifecycle.stop();
    expect(told).toEqual(['a starts', 'b starts', 'a resumes', 'b resumes', 'a stops', 'b stops', 'c stops']);
    expect(lifecycle.isRunning).toBe(false);
  });

  test('starts no further row after a call of stop', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const lifecycle = make({ a: { start: () => promise, stop: () => resolve() } }, { b: part('b') });
    const started = lifecycle.start();
    await lifecycle.stop();
    expect(await started).toBe(false);
    expect(told).toEqual(['b stops']);
  });

  test('a failing part does not prevent others from resuming or stopping', async () => {
    const fails = (): never => {
      throw new Error('a bug');
    };
    const lifecycle = make({ broken: { resume: fails, stop: fails } }, { b: part('b') });
    await lifecycle.start();
    lifecycle.resume();
    await lifecycle.stop();
    expect(told).toEqual(['b starts', 'b resumes', 'b stops']);
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([{ component: 'broken' }, { component: 'broken' }]);
  });

  test('does not start if a part fails to start', async () => {
    const lifecycle = make({ broken: { start: () => Promise.reject(new Error('port taken')) } }, { b: part('b') });
    await expect(lifecycle.start()).rejects.toThrow('port taken');
    expect(told).toEqual([]);
  });
});
