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
  return { until: end, times: 1, forgottenAt: end + 1, cause: 'missingPaths', score: 120, isShared: true };
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
  expect(book.detected()).toEqual([
    { source: '192.0.2.7', policy: 'SecurityPolicy/a/b', cause: 'missingPaths', score: 120, until: end, origin: '' },
  ]);
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

test('blocks of other proxies are passed to workers and listed, and end in time or by a removal, with events that name the proxy', async () => {
  const { book, told, events } = rig();
  const policy = 'SecurityPolicy/a/b';
  const shared = { policy, cause: 'limited', score: 100, begun: 1, times: 2, origin: 'far' };
  const end = Date.now() + 300;
  const long = { ...shared, source: '192.0.2.7', until: end + 60_000, forgottenAt: end + 60_001 };
  book.take([
    long,
    { ...shared, source: '192.0.2.8', until: end, forgottenAt: end + 1 },
    { ...long, until: end },
    { ...long, source: 'x', until: 1 },
  ]);
  expect(book.detected().map(({ source, origin }) => [source, origin])).toEqual([
    ['192.0.2.7', 'far'],
    ['192.0.2.8', 'far'],
  ]);
  await until(() => book.detected().length === 1, 'the end of the block');
  book.set(block('192.0.2.7', 'auto'));
  expect(book.detected()).toEqual([]);
  expect(told.map((line) => line.replace('[object Object]', 'set'))).toEqual([
    `shared ["${policy}","192.0.2.7"] set`,
    `shared ["${policy}","192.0.2.8"] set`,
    `shared ["${policy}","192.0.2.8"] null`,
    `shared ["${policy}","192.0.2.7"] null`,
  ]);
  expect(events.map(({ name, fields: { reason, source, origin } }) => `${name} ${source} ${reason} ${origin}`)).toEqual([
    'source_blocked 192.0.2.7 limited far',
    'source_blocked 192.0.2.8 limited far',
    'source_released 192.0.2.8 expired far',
    'source_released 192.0.2.7 removed far',
  ]);
});

test('a follower gets the own blocks in force and each later one, unless their policy keeps them', () => {
  const { book, detected } = rig();
  const end = Date.now() + 60_000;
  detected('p', 'a', found(end));
  detected('p', 'b', { ...found(end), isShared: false });
  const later: string[] = [];
  const { blocks, stop } = book.follow(({ source }) => void later.push(source));
  detected('p', 'c', found(end));
  detected('p', 'd', { ...found(end), isShared: false });
  stop();
  detected('p', 'e', found(end));
  expect([blocks.map(({ source }) => source), later]).toEqual([['a'], ['c']]);
});

test('a proxy lists the latest blocks, and takes a limited number of operators', () => {
  const { book, detected } = rig();
  for (let i = 0; i < 1_100; i++) detected('p', `${i}`, found(Date.now() + 60_000));
  expect(book.detected()).toHaveLength(1_000);
  expect(book.detected().at(-1)?.source).toBe('1099');
  const results = Array.from({ length: 2_001 }, (_, i) => book.set(block(`principal:${i}`, 'on')).ok);
  expect(results.filter((ok) => !ok)).toHaveLength(1);
});
