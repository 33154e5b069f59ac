// Which pair of a Secret is served, by what it holds and what was served before.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { TestCa } from '../../test/support/certificates.ts';
import { KeptPairs } from './kept-pairs.ts';
import type { OfferedPair } from './kept-pairs.ts';

const HOUR = 3_600_000;
const KEY = 'infra/cert';
/** One that is valid for two hours, and one that was until an hour ago. */
let [valid, next, expired, other]: OfferedPair[] = [];
let ca: TestCa;

beforeAll(async () => {
  ca = await TestCa.create();
  const issue = async (hours: readonly [number, number]): Promise<OfferedPair> => {
    const { certificate, privateKey } = await ca.issueAs('test', { names: 'DNS:a.test', hours });
    return { key: KEY, certificate: readFileSync(certificate, 'utf8'), privateKey: readFileSync(privateKey, 'utf8'), problem: null };
  };
  valid = await issue([-3, 2]);
  next = await issue([-3, 3]);
  expired = await issue([-3, -1]);
  other = await issue([-3, -2]);
});
afterAll(() => ca.remove());

let now: number;
let pairs: KeptPairs;
beforeEach(() => {
  now = Date.now();
  pairs = new KeptPairs(() => now);
});

const given = (pair: OfferedPair | undefined): OfferedPair => pair as OfferedPair;
const broken = (): OfferedPair => ({ ...given(next), problem: 'holds nothing' });

/** Chooses, and puts that in place as the outputs do. */
function offer(pair: OfferedPair | undefined): string {
  const choice = pairs.choose(given(pair));
  pairs.put(choice.secret);
  const { certificate, problem = 'no problem' } = choice.secret;
  const which = [valid, next, expired, other].findIndex((each) => each?.certificate === certificate);
  return `${choice.pair} ${['valid', 'next', 'expired', 'other'][which] ?? 'none'}: ${problem.replaceAll(/[0-9]{4}-[0-9TZ:.-]+/g, 'TIME')}`;
}

describe('the pair that is served', () => {
  test('is the one that the Secret holds', () => {
    expect([offer(valid), offer(next)]).toEqual(['own valid: no problem', 'own next: no problem']);
  });

  test('is the one before where that cannot be used, for as long as it takes', () => {
    offer(valid);
    const kept = 'former valid: holds nothing; the pair before stays in use and is valid until TIME';
    expect([offer(broken()), offer(broken()), offer(next)]).toEqual([kept, kept, 'own next: no problem']);
  });

  test('is none where no good one has been seen', () => {
    expect([offer(broken()), offer(broken())]).toEqual(['unknown none: holds nothing', 'unknown none: holds nothing']);
    expect(offer(valid)).toBe('own valid: no problem');
  });

  test('is none once the Secret has been gone', () => {
    offer(valid);
    pairs.remove(KEY);
    expect(offer(broken())).toBe('unknown none: holds nothing');
  });

  test('may have expired where there is none that is valid', () => {
    const told = 'holds a certificate that expired at TIME';
    expect([offer(expired), offer(other)]).toEqual([`own expired: ${told}`, `own other: ${told}`]);
    expect(offer(valid)).toBe('own valid: no problem');
  });

  test('is not one that has expired while the one before is valid', () => {
    offer(valid);
    const told = 'holds a certificate that expired at TIME; the pair before stays in use and is valid until TIME';
    expect(offer(expired)).toBe(`former valid: ${told}`);
    now += 3 * HOUR;
    expect(offer(expired)).toBe('own expired: holds a certificate that expired at TIME');
  });

  test('stays though it expires where the Secret holds none that loads', () => {
    offer(valid);
    now += 3 * HOUR;
    expect(offer(broken())).toBe('former valid: holds nothing; the pair before stays in use and has expired at TIME');
  });
});

test('problems and the earliest expiry are counted', () => {
  expect(pairs.counts).toEqual({ problems: 0, earliestExpiry: null });
  offer(valid);
  pairs.put({ ...pairs.choose(given(next)).secret, key: 'infra/second' });
  const { problems, earliestExpiry } = pairs.counts;
  expect(problems).toBe(0);
  expect(Math.abs((earliestExpiry ?? 0) - now - 2 * HOUR)).toBeLessThan(HOUR);
  offer(broken());
  expect(pairs.counts).toEqual({ problems: 1, earliestExpiry });
  pairs.remove(KEY);
  now += 4 * HOUR;
  expect(pairs.counts).toMatchObject({ problems: 1 });
});
