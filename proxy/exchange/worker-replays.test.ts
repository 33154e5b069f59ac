import { expect, test } from '@jest/globals';
import type { Exchange } from './exchange.ts';
import { WorkerReplays, type ReplayQuestion } from './worker-replays.ts';

function exchange(): Exchange {
  return {} as Exchange;
}

test('the only worker remembers by itself, each scope apart', () => {
  const replays = new WorkerReplays();
  expect(replays.enter(exchange(), 'a', 'x', 1_000)).toBe('new');
  expect(replays.enter(exchange(), 'a', Buffer.from('x'), 1_000)).toBe('seen');
  expect(replays.enter(exchange(), 'b', 'x', 1_000)).toBe('new');
});

test('of several workers each asks the supervisor, and gets the answer to its question', async () => {
  const asked: ReplayQuestion[] = [];
  const replays = new WorkerReplays((question) => asked.push(question));
  const verdicts = ['x', 'y'].map(async (identity) => replays.enter(exchange(), 'a', identity, 1_000));
  expect(asked.map(({ digest, window }) => [digest.length, window])).toEqual([
    [16, 1_000],
    [16, 1_000],
  ]);
  replays.answered(asked[1]?.id ?? -1, 'seen');
  replays.answered(asked[0]?.id ?? -1, 'new');
  expect(await Promise.all(verdicts)).toEqual(['new', 'seen']);
});

test('the same request gets the same answer again, and asks once', async () => {
  const asked: ReplayQuestion[] = [];
  const replays = new WorkerReplays((question) => asked.push(question));
  const own = exchange();
  const verdicts = [1, 2].map(async () => replays.enter(own, 'a', 'x', 1_000));
  for (const { id } of asked) replays.answered(id, 'new');
  expect(await Promise.all(verdicts)).toEqual(['new', 'new']);
  expect(asked).toHaveLength(1);
});
