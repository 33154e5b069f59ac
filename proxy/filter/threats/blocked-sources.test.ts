// Blocked sources in the workers of a proxy, and blocks of other proxies.
import { expect, test } from '@jest/globals';
import { blockKey } from '../../exchange/notices.ts';
import type { Broadcast, Notices, Topic } from '../../exchange/notices.ts';
import { BlockedSources } from './blocked-sources.ts';
import type { BlockTerms } from './blocked-sources.ts';

const HOUR_MS = 3_600_000;

/** The first block has a minute. */
function terms(longest: number, isShared = true): BlockTerms {
  return { first: 60_000, longest, cause: 'limited', score: 100, isShared };
}

/** Two workers with each other's notices, and what their supervisor tells both. */
function workers() {
  const listeners: Map<Topic, (key: string, value: never, from: string) => void>[] = [new Map(), new Map()];
  const tell = (topic: Topic, key: string, value: unknown, except = -1): void =>
    listeners.forEach((topics, i) => i !== except && topics.get(topic)?.(key, value as never, ''));
  const join = (index: number): Broadcast => ({
    publish: (topic, key, value) => tell(topic, key, value, index),
    subscribe: (topic, listener) => void listeners[index]?.set(topic, listener as never),
  });
  const shared = (policy: string, source: string, value: Notices['shared'] | null) => tell('shared', blockKey(policy, source), value);
  return { first: new BlockedSources(join(0)), second: new BlockedSources(join(1)), shared };
}

function elsewhere(lengthMs: number, times = 1): Notices['shared'] {
  const now = Date.now();
  return { since: now, until: now + lengthMs, times, forgottenAt: now + 2 * lengthMs };
}

test('a block of one worker holds in the other, for this policy and source', () => {
  const { first, second } = workers();
  first.block('p', 's', terms(600_000));
  expect([second.holds('p', 's', 0), second.holds('p', 't', 0), second.holds('q', 's', 0)]).toEqual([true, false, false]);
});

test('each further block is twice as long, up to the longest, in whichever worker', () => {
  const { first, second } = workers();
  const lengths = [first, second, first, second].map((worker) => worker.block('p', 's', terms(200_000)).until - Date.now());
  expect(lengths.map((length) => Math.ceil(length / 1_000))).toEqual([60, 120, 200, 200]);
});

test('the oldest of too many blocks gives way, in each worker', () => {
  const { first, second } = workers();
  for (let i = 0; i <= 10_000; i++) first.block('p', `s${i}`, terms(60_000));
  expect([first, second].map((worker) => [worker.holds('p', 's0', 0), worker.holds('p', 's10000', 0)])).toEqual([
    [false, true],
    [false, true],
  ]);
});

test('a block of another proxy holds where the policy wants that, and no longer than its longest block', () => {
  const { first, shared } = workers();
  shared('p', 's', elsewhere(100 * HOUR_MS));
  expect([first.holds('p', 's', HOUR_MS), first.holds('p', 's', 0), first.holds('q', 's', HOUR_MS)]).toEqual([true, false, false]);
  shared('p', 'old', { ...elsewhere(100 * HOUR_MS), since: Date.now() - HOUR_MS });
  expect(first.holds('p', 'old', HOUR_MS)).toBe(false);
  shared('p', 's', null);
  expect(first.holds('p', 's', HOUR_MS)).toBe(false);
});

test('blocks of other proxies neither end nor push out the own ones', () => {
  const { first, shared } = workers();
  first.block('p', 's', terms(HOUR_MS));
  shared('p', 's', elsewhere(1));
  for (let i = 0; i < 10_000; i++) shared('p', `t${i}`, elsewhere(HOUR_MS));
  shared('p', 's', null);
  expect(first.holds('p', 's', 0)).toBe(true);
});

test('a block of another proxy makes the next one longer, unless the policy keeps blocks to a proxy', () => {
  const { first, shared } = workers();
  shared('p', 's', elsewhere(HOUR_MS, 2));
  shared('p', 't', elsewhere(HOUR_MS, 2));
  const lengths = [first.block('p', 's', terms(HOUR_MS)), first.block('p', 't', terms(HOUR_MS, false))].map(
    ({ until }) => until - Date.now(),
  );
  expect(lengths.map((length) => Math.ceil(length / 60_000))).toEqual([4, 1]);
});
