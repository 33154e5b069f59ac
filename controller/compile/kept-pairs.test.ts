// Which pair of a Secret is served, depending on its content and on the pair in use.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { TestCa } from '../../test/support/certificates.ts';
import { KeptPairs } from './kept-pairs.ts';
import type { OfferedPair } from './kept-pairs.ts';

const HOUR = 3_600_000;
const KEY = 'infra/cert';
/** `valid` for two hours, `expired` one hour ago. */
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

/** Chooses a pair and keeps it, as the outputs do. */
function offer(pair: OfferedPair | undefined): string {
  const choice = pairs.choose(given(pair));
  pairs.put(choice.secret);
  const { certificate, problem = 'no problem' } = choice.secret;
  const which = [valid, next, expired, other].findIndex((each) => each?.certificate === certificate);
  return `${choice.pair} ${['valid', 'next', 'expired', 'other'][which] ?? 'none'}: ${problem.replaceAll(/[0-9]{4}-[0-9TZ:.-]+/g, 'TIME')}`;
}

describe('the pair that is served', () => {
  test('is the pair in the Secret', () => {
    expect([offer(valid), offer(next)]).toEqual(['own valid: no problem', 'own next: no problem']);
  });

  test('is the previous pair while the one in the Secret is not usable', () => {
    offer(valid);
    const kept = 'former valid: holds nothing; the previous pair stays in use and is valid until TIME';
    expect([offer(broken()), offer(broken()), offer(next)]).toEqual([kept, kept, 'own next: no problem']);
  });

  test('is none if there was no usable pair yet', () => {
    expect([offer(broken()), offer(broken())]).toEqual(['unknown none: holds nothing', 'unknown none: holds nothing']);
    expect(offer(valid)).toBe('own valid: no problem');
  });

  test('is none after the Secret was deleted', () => {
    offer(valid);
    pairs.remove(KEY);
    expect(offer(broken())).toBe('unknown none: holds nothing');
  });

  test('may be expired if there is no valid one', () => {
    const told = 'holds a certificate that expired at TIME';
    expect([offer(expired), offer(other)]).toEqual([`own expired: ${told}`, `own other: ${told}`]);
    expect(offer(valid)).toBe('own valid: no problem');
  });

  test('is not an expired pair while the previous one is valid', () => {
    offer(valid);
    const told = 'holds a certificate that expired at TIME; the previous pair stays in use and is valid until TIME';
    expect(offer(expired)).toBe(`former valid: ${told}`);
    now += 3 * HOUR;
    expect(offer(expired)).toBe('own expired: holds a certificate that expired at TIME');
  });

  test('stays after its expiry while the pair in the Secret does not load', () => {
    offer(valid);
    now += 3 * HOUR;
    expect(offer(broken())).toBe('former valid: holds nothing; the previous pair stays in use and has expired at TIME');
  });
});

test('problems and expiries are counted', () => {
  expect(pairs.counts).toEqual({ problems: 0, expiries: new Map() });
  offer(valid);
  pairs.put({ ...pairs.choose(given(next)).secret, key: 'infra/second' });
  const { problems, expiries } = pairs.counts;
  const expiry = expiries.get(KEY) ?? 0;
  expect(problems).toBe(0);
  expect([...expiries.keys()]).toEqual([KEY, 'infra/second']);
  expect(Math.abs(expiry - now - 2 * HOUR)).toBeLessThan(HOUR);
  offer(broken());
  expect(pairs.counts).toEqual({ problems: 1, expiries });
  pairs.remove(KEY);
  now += 4 * HOUR;
  expect(pairs.counts).toMatchObject({ problems: 1 });
});
