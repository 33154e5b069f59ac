// A subscriber gets each message once, in whichever order the answer of the store and its news arrive.
import { expect, test } from '@jest/globals';
import { ok } from '#lib/result.ts';
import { FollowedTopic } from './followed-topic.ts';
import type { Reading, StoredMessage, TopicStore } from './topic-store.ts';

const message = (number: number): StoredMessage => ({ id: `1-${number}`, data: String(number) });

/** Messages of the topic: those of the history, those that arrive before it is read, and those that arrive after it. */
async function delivered(history: readonly number[], before: readonly number[], after: readonly number[]): Promise<readonly string[]> {
  const reading = Promise.withResolvers<Reading>();
  const store = { follow: () => Promise.resolve(ok(null)), read: () => reading.promise.then(ok) } as Partial<TopicStore> as TopicStore;
  const topic = new FollowedTopic({ key: 'k', name: 't', store, history: { messages: 10, age: 1_000 } });
  const got: string[] = [];
  const opened = Promise.withResolvers<void>();
  const subscriber = {
    opened: () => opened.resolve(),
    message: (_: string, { data }: { readonly data: string }) => void got.push(data),
    gap: () => undefined,
    failed: () => undefined,
  };
  topic.subscribe(subscriber, '1-0');
  for (const number of before) topic.arrived(message(number));
  reading.resolve({ last: `1-${history.at(-1) ?? 0}`, isWhole: true, messages: history.map(message) });
  await opened.promise;
  for (const number of after) topic.arrived(message(number));
  return got;
}

test.each([
  ['news of a message that was read already', [1, 2], [], [2, 3]],
  ['news before the answer', [1, 2], [1, 2, 3], [4]],
  ['no history', [], [], [1, 2]],
  ['only late news', [1, 2, 3], [], [1, 2, 3]],
])('%s', async (_, history, before, after) => {
  const all = [...new Set([...history, ...before, ...after])].map(String);
  expect(await delivered(history, before, after)).toEqual(all);
});
