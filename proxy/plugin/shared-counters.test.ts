// The counters of plugins in two workers of a proxy, over the broadcast of its supervisor.
import { expect, test } from '@jest/globals';
import { WorkerBroadcast } from '../exchange/worker-broadcast.ts';
import { NoticeHub } from '../supervisor/notice-hub.ts';
import { SharedCounters } from './shared-counters.ts';

const PLUGIN = 'ExtensionPolicy/default/own\ncode/plugin.ts';

function joined(hub: NoticeHub, name: string): SharedCounters {
  const broadcast = new WorkerBroadcast((notice) => hub.take(notice, name));
  const counters = new SharedCounters(broadcast);
  hub.join(name, { notice: (notice) => broadcast.receive(notice) });
  for (const notice of hub.kept()) broadcast.receive(notice);
  return counters;
}

test('workers add up what each of them counts, and a worker that starts later knows it', () => {
  const hub = new NoticeHub();
  const [first, second] = [joined(hub, '1'), joined(hub, '2')];
  expect([first.add(PLUGIN, 'visits', 2), second.add(PLUGIN, 'visits', 3), first.add(PLUGIN, 'visits', 0)]).toEqual([2, 3, 2]);
  for (const each of [first, second, first]) each.flush();
  expect([first.add(PLUGIN, 'visits', 0), second.add(PLUGIN, 'visits', -1), joined(hub, '3').add(PLUGIN, 'visits', 0)]).toEqual([5, 4, 5]);
});

test('a plugin cannot have counters without end', () => {
  const counters = joined(new NoticeHub(), '1');
  for (let i = 0; i < 100; i++) counters.add(PLUGIN, `name ${i}`, 1);
  expect([counters.add(PLUGIN, 'one more', 1), counters.add(PLUGIN, 'name 99', 1), counters.add('another', 'one more', 1)]).toEqual([
    0, 2, 1,
  ]);
});
