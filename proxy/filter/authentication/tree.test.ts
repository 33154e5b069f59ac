import { describe, expect, test } from '@jest/globals';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Principal } from '../../exchange/principal.ts';
import { ABSENT, refused, unavailable, type Authenticator, type Outcome } from './authenticator.ts';
import { allOf, anyOf, leaf, type AuthenticationNode } from './tree.ts';

function principal(id: string, more: Partial<Principal> = {}): Principal {
  return { id, method: 'apiKey', groups: [], claims: {}, consumer: '', plan: '', ...more };
}

function accepts(id: string, more: Partial<Principal> = {}): Outcome {
  return { type: 'authenticated', principal: principal(id, more), credential: null };
}

let asked: string[] = [];

/** An authenticator with a fixed outcome, at once or later. */
function node(name: string, outcome: Outcome, isLate = false): AuthenticationNode {
  const authenticate = (): Outcome | Promise<Outcome> => {
    asked.push(name);
    return isLate ? Promise.resolve(outcome) : outcome;
  };
  return leaf({ name, challenge: '', authenticate, strip: () => undefined } satisfies Authenticator);
}

async function check(tree: AuthenticationNode): Promise<unknown> {
  asked = [];
  const outcome = await tree.check({} as Exchange);
  return outcome.type === 'authenticated' ? outcome.principal.id : outcome.type;
}

const NO = refused('wrong');
const LESS: Outcome = { type: 'insufficient', reason: 'less', challenge: 'Bearer' };
const AWAY = unavailable('away');

describe.each([false, true])('anyOf (late: %s)', (isLate) => {
  const any = (...outcomes: readonly Outcome[]) => anyOf(outcomes.map((outcome, i) => node(String(i), outcome, isLate)));

  test.each([
    ['the first that accepts', [ABSENT, NO, accepts('a'), accepts('b')], 'a', 3],
    ['absent without any credential', [ABSENT, ABSENT], 'absent', 2],
    ['refused rather than absent', [ABSENT, NO, ABSENT], 'refused', 3],
    ['insufficient rather than refused', [NO, LESS, NO], 'insufficient', 3],
    ['unavailable rather than insufficient', [LESS, AWAY], 'unavailable', 2],
    ['accepted although another is insufficient', [LESS, accepts('a')], 'a', 2],
    ['unavailable rather than refused', [NO, AWAY, ABSENT], 'unavailable', 3],
    ['accepted although another is unavailable', [AWAY, accepts('a')], 'a', 2],
    ['answered by an authenticator', [{ type: 'answered' }, accepts('a')], 'answered', 1],
  ] as const)('is %s', async (_, outcomes, result, count) => {
    expect(await check(any(...outcomes))).toBe(result);
    expect(asked).toHaveLength(count);
  });
});

describe.each([false, true])('allOf (late: %s)', (isLate) => {
  const all = (...outcomes: readonly Outcome[]) => allOf(outcomes.map((outcome, i) => node(String(i), outcome, isLate)));

  test.each([
    ['the first principal', [accepts('a'), accepts('b')], 'a', 2],
    ['refused by one', [accepts('a'), NO, accepts('b')], 'refused', 2],
    ['absent if one credential is missing', [accepts('a'), ABSENT], 'absent', 2],
    ['insufficient', [LESS, accepts('a')], 'insufficient', 1],
    ['unavailable', [AWAY, accepts('a')], 'unavailable', 1],
    ['absent without members', [], 'absent', 0],
  ] as const)('is %s', async (_, outcomes, result, count) => {
    expect(await check(all(...outcomes))).toBe(result);
    expect(asked).toHaveLength(count);
  });

  test('makes one principal of all', async () => {
    const tree = all(
      accepts('a', { groups: ['x'], claims: { c: 1 } }),
      accepts('b', { groups: ['y', 'x'], claims: { c: 2, d: 3 }, plan: 'gold' }),
    );
    const outcome = await tree.check({} as Exchange);
    expect(outcome).toMatchObject({ principal: { id: 'a', groups: ['x', 'y'], claims: { c: 1, d: 3 }, plan: 'gold' } });
  });
});

test('lists nest', async () => {
  const tree = anyOf([
    allOf([node('a', accepts('a')), node('b', NO, true)]),
    allOf([node('c', accepts('c'), true), node('d', accepts('d'))]),
  ]);
  expect(await check(tree)).toBe('c');
  expect(asked).toEqual(['a', 'b', 'c', 'd']);
});
