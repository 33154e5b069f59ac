import { describe, expect, test } from '@jest/globals';
import { Faults } from './faults.ts';
import { createLog } from './log.ts';

function make(): { readonly faults: Faults; readonly lines: string[]; readonly parts: string[] } {
  const lines: string[] = [];
  const parts: string[] = [];
  const faults = new Faults(createLog('info', { write: (line) => void lines.push(line) }), (part) => void parts.push(part));
  return { faults, lines, parts };
}

const bug = (): never => {
  throw new Error('a bug');
};

describe('faults', () => {
  test('are logged with their stack and their object, counted, and not thrown', () => {
    const { faults, lines, parts } = make();
    expect(faults.guard('push', bug, { object: 'a' })).toBe(false);
    expect(faults.guard('push', () => undefined)).toBe(true);
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      { level: 'error', part: 'push', object: 'a', err: { message: 'a bug', stack: expect.stringContaining('faults.test') } },
    ]);
    expect(parts).toEqual(['push']);
  });

  test('affect only one of many pieces of work', () => {
    const { faults, lines } = make();
    const done: number[] = [];
    const work = (n: number): void => (n === 2 ? bug() : void done.push(n));
    expect(faults.each('statuses', [1, 2, 3], work, (n) => ({ n }))).toEqual([2]);
    expect(done).toEqual([1, 3]);
    expect(JSON.parse(lines[0]!)).toMatchObject({ n: 2 });
  });

  test('are all counted, and logged up to a limit', () => {
    const { faults, lines, parts } = make();
    for (let n = 0; n < 1_000; n++) faults.guard('push', bug);
    expect(parts).toHaveLength(1_000);
    expect(lines.length).toBeLessThan(100);
  });
});
