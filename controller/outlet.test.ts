import { afterEach, describe, expect, test } from '@jest/globals';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import { route } from '../test/support/push.ts';
import { until } from '../test/support/until.ts';
import type { Handover } from './compile/result.ts';
import { NOTHING } from './handover.ts';
import { Outlet } from './outlet.ts';
import type { Leftover } from './outlet.ts';

const TIMES = { backoff: { minimum: 1, maximum: 5 }, lasting: 20 };

let outlet: Outlet | undefined;
afterEach(() => outlet?.stop());

/** A sink that fails when the test says so, and the deltas it has taken. */
class TestSink {
  readonly taken: string[][] = [];
  apply: (delta: Handover) => Leftover | void | Promise<Leftover | void> = (delta) => this.take(delta);

  take({ changed, removed }: Handover): void {
    this.taken.push([...changed.map(({ key, body }) => `${key}=${nameIn(body)}`), ...removed.map(({ key }) => `-${key}`)]);
  }
}

function nameIn(body: Buffer): string {
  return (JSON.parse(body.toString()) as { ruleName: string }).ruleName;
}

function start(sink: TestSink): { readonly give: (delta: Partial<Handover>) => void; readonly lines: string[]; readonly parts: string[] } {
  const lines: string[] = [];
  const parts: string[] = [];
  const faults = new Faults(createLog('info', { write: (line) => void lines.push(line) }), (part) => void parts.push(part));
  const made = new Outlet({ name: 'push', sink: { apply: (delta) => sink.apply(delta) }, faults, times: TIMES });
  outlet = made;
  return { give: (delta) => made.give({ ...NOTHING, ...delta }), lines, parts };
}

const bug = (): never => {
  throw new Error('a bug');
};

describe('an outlet', () => {
  test('gives a sink each delta at once', () => {
    const sink = new TestSink();
    const { give } = start(sink);
    give({ changed: [route('a', 'c', '1')] });
    give({ removed: [{ kind: 'Route', key: 'a' }] });
    expect(sink.taken).toEqual([['a=1'], ['-a']]);
  });

  test.each([
    ['throws', bug],
    ['rejects', () => Promise.reject(new Error('a bug'))],
  ])('gives a sink that %s everything again, in its newest form and without duplicates', async (_how, fail) => {
    const sink = new TestSink();
    const { give, lines, parts } = start(sink);
    sink.apply = fail;
    give({ changed: [route('a', 'c', '1'), route('b', 'c', '1')] });
    give({ changed: [route('a', 'c', '2')], removed: [{ kind: 'Route', key: 'x' }] });
    give({ changed: [route('x', 'c', '1')] });
    await until(() => parts.length > 1, 'a second try');
    expect(sink.taken).toEqual([]);
    sink.apply = (delta) => sink.take(delta);
    await until(() => sink.taken.length > 0, 'the missed delta');
    expect(sink.taken).toEqual([['b=1', 'a=2', 'x=1']]);
    give({ changed: [route('d', 'c', '1')] });
    expect(sink.taken[1]).toEqual(['d=1']);
    expect(JSON.parse(lines[0]!)).toMatchObject({ part: 'push', err: { message: 'a bug', stack: expect.stringContaining('outlet.test') } });
  });

  test('reports trouble once it has lasted, until it is over', async () => {
    const sink = new TestSink();
    const { give } = start(sink);
    sink.apply = bug;
    give({ changed: [route('a', 'c')] });
    expect(outlet?.trouble).toBeNull();
    await until(() => outlet?.trouble !== null, 'the trouble');
    expect(outlet?.trouble).toContain('push: does not take changes because of a bug');
    sink.apply = (delta) => sink.take(delta);
    await until(() => outlet?.trouble === null, 'its end');
  });

  test('gives a rejected part again after newer deltas, without resources that these replace', async () => {
    const sink = new TestSink();
    const { give } = start(sink);
    const broken = new Set(['a', 'b']);
    sink.apply = (delta) => {
      const left = delta.changed.filter(({ key }) => broken.has(key));
      sink.take({ ...delta, changed: delta.changed.filter(({ key }) => !broken.has(key)) });
      return { changed: left };
    };
    give({ changed: [route('a', 'c', '1'), route('b', 'c', '1'), route('d', 'c', '1')] });
    give({ removed: [{ kind: 'Route', key: 'a' }], changed: [route('e', 'c', '1')] });
    expect(sink.taken).toEqual([['d=1'], ['e=1', '-a']]);
    broken.clear();
    await until(() => sink.taken.flat().includes('b=1'), 'the rest');
    expect(sink.taken.flat()).not.toContain('a=1');
  });

  test('merges deltas that arrive while the sink is busy', async () => {
    const sink = new TestSink();
    const { give } = start(sink);
    const { promise, resolve } = Promise.withResolvers<void>();
    sink.apply = async (delta) => {
      await promise;
      sink.take(delta);
    };
    give({ changed: [route('a', 'c', '1')] });
    give({ changed: [route('a', 'c', '2')] });
    give({ changed: [route('a', 'c', '3')] });
    resolve();
    await until(() => sink.taken.length === 2, 'both');
    expect(sink.taken).toEqual([['a=1'], ['a=3']]);
  });

  test('`first` waits until the sink has taken the first delta', async () => {
    const sink = new TestSink();
    const { give, parts } = start(sink);
    let isFirst = false;
    void outlet?.first.then(() => (isFirst = true));
    sink.apply = bug;
    give({ changed: [route('a', 'c')] });
    await until(() => parts.length > 1, 'a second try');
    expect(isFirst).toBe(false);
    sink.apply = (delta) => sink.take(delta);
    await outlet?.first;
    expect(sink.taken).toEqual([['a=']]);
  });
});
