// The notices of workers: where they go, and which of them workers get that start later.
import { expect, test } from '@jest/globals';
import { WorkerBroadcast } from '../exchange/worker-broadcast.ts';
import { NoticeHub } from './notice-hub.ts';

/** A worker with its name in `told` before everything that it hears. */
function join(hub: NoticeHub, name: string, told: string[]): WorkerBroadcast {
  const worker = new WorkerBroadcast((notice) => hub.take(notice, name));
  worker.subscribe('override', (key, value) => told.push(`${name}: ${key} ${value}`));
  hub.join(name, { notice: (notice) => worker.receive(notice) });
  return worker;
}

test('a notice of a worker reaches all others and the supervisor, and not the worker itself', () => {
  const [hub, told] = [new NoticeHub(), [] as string[]];
  const [one] = ['one', 'two', 'three'].map((name) => join(hub, name, told)) as [WorkerBroadcast];
  hub.subscribe('override', (key, value, from) => told.push(`supervisor: ${key} ${value} from ${from}`));
  one.publish('override', '10.0.0.1|80', 'out');
  expect(told.sort()).toEqual(['supervisor: 10.0.0.1|80 out from one', 'three: 10.0.0.1|80 out', 'two: 10.0.0.1|80 out']);
});

test('a notice of the supervisor reaches all workers', () => {
  const [hub, told] = [new NoticeHub(), [] as string[]];
  for (const name of ['one', 'two']) join(hub, name, told);
  hub.publish('override', '10.0.0.1|80', 'in');
  expect(told).toEqual(['one: 10.0.0.1|80 in', 'two: 10.0.0.1|80 in']);
});

test('a security event of the supervisor reaches one worker, once', () => {
  const [hub, told] = [new NoticeHub(), [] as string[]];
  for (const name of ['one', 'two', 'three'])
    hub.join(name, { pid: name === 'one' ? null : 1, notice: ({ topic, key }) => void told.push(`${name}: ${topic} ${key}`) });
  hub.publish('security', '', { name: 'source_released', fields: {} });
  expect(told).toEqual(['two: security ']);
  expect([...hub.kept()]).toEqual([]);
});

test('the last notice of each key holds until it is taken back', () => {
  const hub = new NoticeHub();
  hub.publish('override', 'a', 'in');
  hub.publish('override', 'a', 'out');
  hub.publish('override', 'b', 'out');
  hub.publish('override', 'b', null);
  expect([...hub.kept()]).toEqual([{ topic: 'override', key: 'a', value: 'out' }]);
  expect(hub.values('override')).toEqual(new Map([['a', 'out']]));
});
