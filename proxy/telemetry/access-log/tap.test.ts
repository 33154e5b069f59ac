// A tap with a filter, a rate and a slow reader.
import { describe, expect, test } from '@jest/globals';
import { parseFilter } from '#api/access-log/filter.ts';
import { Tap } from './tap.ts';

const LINE = `${'x'.repeat(999)}\n`;

function subject(status: number) {
  return { status, ms: 1, route: 'HTTPRoute/ns/a/0', failed: false, client: '192.0.2.7', caller: null };
}

/** Offers lines, and returns how many the tap takes. */
function offer(tap: Tap, count: number, status = 200): number {
  let taken = 0;
  for (let i = 0; i < count; i++) {
    if (!tap.wants(subject(status))) continue;
    tap.take(LINE);
    taken++;
  }
  return taken;
}

describe('a tap', () => {
  test('takes the lines of its filter', () => {
    const filter = parseFilter('status=5xx');
    if (!filter.ok) throw new Error(filter.error);
    const tap = new Tap({ kind: 'tail', filter: filter.value, rate: 10 });
    expect([offer(tap, 5), offer(tap, 5, 503)]).toEqual([0, 5]);
  });

  test('hands on whole lines, in parts of a limited size', async () => {
    const tap = new Tap({ kind: 'tail', filter: null, rate: 1_000 });
    const ending = new AbortController();
    const parts: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const part = (data: Buffer): Promise<void> => {
      parts.push(data.toString());
      if (parts.join('').length === 100 * LINE.length) resolve();
      return Promise.resolve();
    };
    const running = tap.run({ part, signal: ending.signal });
    expect(offer(tap, 100)).toBe(100);
    await promise;
    ending.abort();
    expect(await running).toEqual({ ok: true, value: { dropped: 0 } });
    for (const each of parts) {
      expect(each.endsWith('\n')).toBe(true);
      expect(each.length).toBeLessThanOrEqual(32 * 1_024);
    }
  });

  test('drops and counts what a reader does not take, and ends while it waits for it', async () => {
    const tap = new Tap({ kind: 'tail', filter: null, rate: 1_000 });
    const ending = new AbortController();
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const part = (): Promise<void> => {
      resolve();
      return new Promise(() => undefined);
    };
    const running = tap.run({ part, signal: ending.signal });
    const first = offer(tap, 1);
    await asked;
    // 256 KiB wait at most.
    const taken = offer(tap, 900);
    expect([first, taken]).toEqual([1, 263]);
    ending.abort();
    expect(await running).toEqual({ ok: true, value: { dropped: 900 } });
  });

  test('ends at once if it has already been ended', async () => {
    const tap = new Tap({ kind: 'tail', filter: null, rate: 1 });
    expect(await tap.run({ part: () => Promise.resolve(), signal: AbortSignal.abort() })).toEqual({ ok: true, value: { dropped: 0 } });
  });
});
