import { expect, test } from '@jest/globals';
import { Answers } from './answers.ts';
import type { Introspected } from './endpoint.ts';

const INACTIVE: Introspected = { type: 'inactive' };

function active(claims: object = {}, bytes = 10): Introspected {
  return { type: 'active', claims: claims as Record<string, unknown>, bytes };
}

/** Answers with a clock, and the tokens that were asked about. */
class Site {
  now = 0;
  readonly asked: string[] = [];
  readonly answers: Answers;

  constructor(entries = 10) {
    this.answers = new Answers({ ttl: 30_000, inactiveTtl: 5_000, entries, now: () => this.now, clock: () => this.now });
  }

  of(token: string, answer: Introspected): Introspected | Promise<Introspected> {
    return this.answers.of(token, () => {
      this.asked.push(token);
      return Promise.resolve(answer);
    });
  }
}

test('an answer is used again for its time, one about an invalid token for a shorter one', async () => {
  const site = new Site();
  await site.of('a', active());
  await site.of('b', INACTIVE);
  site.now = 4_999;
  expect([site.of('a', INACTIVE), site.of('b', active())]).toEqual([active(), INACTIVE]);
  site.now = 5_000;
  expect(await site.of('b', active())).toEqual(active());
  site.now = 29_999;
  expect(site.of('a', INACTIVE)).toEqual(active());
  site.now = 30_000;
  expect(await site.of('a', INACTIVE)).toEqual(INACTIVE);
  expect(site.asked).toEqual(['a', 'b', 'b', 'a']);
});

test('no answer is used longer than its token is valid', async () => {
  const site = new Site();
  await site.of('a', active({ exp: 3 }));
  site.now = 2_999;
  expect(site.of('a', INACTIVE)).toEqual(active({ exp: 3 }));
  site.now = 3_000;
  expect(await site.of('a', INACTIVE)).toEqual(INACTIVE);
});

test('requests at the same time ask once, and failures are not remembered', async () => {
  const site = new Site();
  const away: Introspected = { type: 'unavailable', reason: 'away' };
  expect(await Promise.all([site.of('a', away), site.of('a', active()), site.of('a', active())])).toEqual([away, away, away]);
  expect(await site.of('a', active())).toEqual(active());
  expect(site.asked).toEqual(['a', 'a']);
});

test('an exception is not remembered either', async () => {
  const { answers } = new Site();
  await expect(Promise.resolve(answers.of('a', () => Promise.reject(new Error('a bug'))))).rejects.toThrow('a bug');
  expect(await answers.of('a', () => Promise.resolve(active()))).toEqual(active());
});

test('memory is bounded in number, and invalid tokens forget no valid one', async () => {
  const site = new Site(2);
  await site.of('valid', active());
  for (let i = 0; i < 100; i++) await site.of(`invalid ${i}`, INACTIVE);
  expect(site.of('valid', INACTIVE)).toEqual(active());
  await site.of('second', active());
  await site.of('third', active());
  expect(site.of('valid', INACTIVE)).toBeInstanceOf(Promise);
});

test('memory is bounded in bytes', async () => {
  const site = new Site();
  await site.of('a', active({}, 16_000_000));
  await site.of('b', active({}, 16_000_000));
  expect(site.of('b', INACTIVE)).toEqual(active({}, 16_000_000));
  expect(site.of('a', INACTIVE)).toBeInstanceOf(Promise);
});

test('a flood of new tokens asks about a bounded number at once', async () => {
  const { answers } = new Site();
  const { promise, resolve } = Promise.withResolvers<Introspected>();
  const all = Array.from({ length: 300 }, (_, i) => Promise.resolve(answers.of(String(i), () => promise)));
  resolve(active());
  expect((await Promise.all(all)).filter(({ type }) => type === 'unavailable')).toHaveLength(44);
});
