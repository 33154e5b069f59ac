// The book of blocks of a proxy: what workers are told, and the security events.
import { expect, test } from '@jest/globals';
import { blockKey } from '../exchange/notices.ts';
import type { BlockNotice, Broadcast, Notices, SecurityNotice } from '../exchange/notices.ts';
import { until } from '../../test/support/until.ts';
import { BlockBook } from './block-book.ts';

interface Rig {
  readonly book: BlockBook;
  /** What workers were told, besides events. */
  readonly told: string[];
  readonly events: SecurityNotice[];
  /** A worker publishes. */
  detected(policy: string, source: string, block: BlockNotice | null): void;
}

function rig(): Rig {
  const [told, events]: [string[], SecurityNotice[]] = [[], []];
  const held: { listener?: (key: string, block: BlockNotice | null, from: string) => void } = {};
  const broadcast: Broadcast = {
    publish: (topic, key, value) => {
      if (topic === 'security') events.push(value as Notices['security']);
      else told.push(`${topic} ${key} ${String(value)}`);
    },
    subscribe: (_, listener) => void (held.listener = listener as NonNullable<typeof held.listener>),
  };
  const book = new BlockBook(broadcast);
  return { book, told, events, detected: (policy, source, block) => held.listener?.(blockKey(policy, source), block, 'worker-0') };
}

function block(endpoint: string, state: string, end = 0, reason = 'abuse') {
  return { kind: 'block', backend: '', endpoint, state, reason, until: end };
}

function found(end: number): BlockNotice {
  return { until: end, times: 1, forgottenAt: end + 1, cause: 'missingPaths', score: 120 };
}

test('a block of an operator ends at its time, with one event for each change', async () => {
  const { book, told, events } = rig();
  const end = Date.now() + 300;
  book.set(block('192.0.2.7', 'on', end));
  book.set(block('192.0.2.7', 'on', end));
  await until(() => events.length === 2, 'the end of the block');
  expect(Date.now()).toBeGreaterThanOrEqual(end);
  expect(told).toEqual(['refused 192.0.2.7 true', 'refused 192.0.2.7 null']);
  const source = '192.0.2.7';
  expect(events).toEqual([
    { name: 'source_blocked', fields: { reason: 'operator', source, note: 'abuse', until: new Date(end).toISOString() } },
    { name: 'source_released', fields: { reason: 'expired', source } },
  ]);
});

test('a removal ends the blocks of threat detection of the source too, with an event for each', () => {
  const { book, told, events, detected } = rig();
  const end = Date.now() + 60_000;
  book.set(block('2001:db8::/64', 'on'));
  detected('SecurityPolicy/a/b', '2001:db8:0:0::/64', found(end));
  detected('SecurityPolicy/a/b', '192.0.2.7', found(end));
  expect(book.detected()).toHaveLength(2);
  book.set(block('2001:db8::1/64', 'auto'));
  expect(told.slice(1)).toEqual(['refused 2001:db8::/64 null', 'blocked ["SecurityPolicy/a/b","2001:db8:0:0::/64"] null']);
  expect(events.slice(1).map(({ fields: { reason, source } }) => `${reason} ${source}`)).toEqual([
    'removed 2001:db8::/64',
    'removed 2001:db8:0:0::/64',
  ]);
  expect(book.detected()).toEqual([{ source: '192.0.2.7', policy: 'SecurityPolicy/a/b', cause: 'missingPaths', score: 120, until: end }]);
});

test('a removal that a controller told of before ends no block of threat detection', () => {
  const { book, detected } = rig();
  detected('SecurityPolicy/a/b', '192.0.2.7', found(Date.now() + 60_000));
  book.withdraw('192.0.2.7');
  expect(book.detected()).toHaveLength(1);
});

test('a block of threat detection has an event at its end, and when another takes its place', async () => {
  const { events, detected, book } = rig();
  detected('p', 'a', found(Date.now() + 60_000));
  detected('p', 'a', null);
  detected('p', 'b', found(Date.now() + 1));
  await until(() => book.detected().length === 0, 'the end of the block');
  detected('p', 'b', null);
  expect(events.map(({ fields: { reason, source } }) => `${source} ${reason}`)).toEqual(['a evicted', 'b expired']);
});

test('a proxy lists the latest blocks, and takes a limited number of operators', () => {
  const { book, detected } = rig();
  for (let i = 0; i < 1_100; i++) detected('p', `${i}`, found(Date.now() + 60_000));
  expect(book.detected()).toHaveLength(1_000);
  expect(book.detected().at(-1)?.source).toBe('1099');
  const results = Array.from({ length: 2_001 }, (_, i) => book.set(block(`principal:${i}`, 'on')).ok);
  expect(results.filter((ok) => !ok)).toHaveLength(1);
});
