import { expect, test } from '@jest/globals';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import { until } from '../../test/support/until.ts';
import { WorkQueue } from './work-queue.ts';

test('a task that fails because of a bug lets its key rest and does not delay other keys', async () => {
  const parts: string[] = [];
  const done: string[] = [];
  const queue = new WorkQueue({
    concurrency: 1,
    open: () => true,
    work: (key) => {
      if (key === 'broken') return Promise.reject(new Error('a bug'));
      done.push(key);
      return Promise.resolve({ restMs: 0, again: false });
    },
    faults: new Faults(createLog('silent'), (part) => void parts.push(part)),
  });
  for (const key of ['broken', 'a', 'b']) queue.request(key);
  await until(() => done.length === 2, 'the others');
  expect(done).toEqual(['a', 'b']);
  expect(parts).toEqual(['work']);
  // The task runs again after its rest.
  expect(queue.depth).toBe(1);
  await queue.stop();
});
