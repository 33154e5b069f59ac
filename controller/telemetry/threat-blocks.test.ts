// Blocks of threat detection that proxies share: which are passed on, to which proxies, and what bounds them.
import { expect, test } from '@jest/globals';
import type { ThreatBlock } from '#api/wire/telemetry-messages.ts';
import { createLog } from '#lib/log.ts';
import { ThreatBlocks } from './threat-blocks.ts';
import type { ScopedBlock, Teller } from './threat-blocks.ts';

const MINUTE_MS = 60_000;
const PROXY: Teller = { id: 'shop|one|1', scope: 'shop', name: 'one', address: '192.0.2.1:4000' };

function rig(endedAt: (source: string) => number = () => 0) {
  const sent: { readonly scope: string; readonly block: ThreatBlock; readonly teller: string }[] = [];
  const spread: ScopedBlock[] = [];
  const threats = new ThreatBlocks({
    log: createLog('silent'),
    endedAt,
    send: (scope, blocks, teller) => void sent.push(...blocks.map((block) => ({ scope, block, teller }))),
    spread: (blocks) => void spread.push(...blocks),
  });
  return { threats, sent, spread };
}

function block(source: string, fields: Partial<ThreatBlock> = {}): ThreatBlock {
  const now = Date.now();
  const base = { policy: 'SecurityPolicy/shop/login', cause: 'missingPaths', score: 100, times: 1, origin: '' };
  return { ...base, source, begun: now, until: now + MINUTE_MS, forgottenAt: now + 2 * MINUTE_MS, ...fields };
}

function sources(first: number, count: number): readonly ThreatBlock[] {
  return Array.from({ length: count }, (_, i) => block(`10.0.${(first + i) >> 8}.${(first + i) & 255}`));
}

test('a block goes once to the others of its fleet and to other replicas, with the name of its proxy', () => {
  const { threats, sent, spread } = rig();
  const told = block('192.0.2.7', { origin: 'another' });
  threats.take(PROXY, [told]);
  threats.take(PROXY, [told]);
  expect(sent).toEqual([{ scope: 'shop', block: { ...told, origin: 'one' }, teller: PROXY.id }]);
  expect(spread).toEqual([{ scope: 'shop', block: { ...told, origin: 'one' } }]);
});

test('a proxy that connects gets the blocks of the others of its fleet', () => {
  const { threats } = rig();
  threats.take(PROXY, [block('192.0.2.7'), block('192.0.2.8', { until: Date.now() - 1 })]);
  const greeted = (scope: string, id: string): readonly string[] => {
    const told: string[] = [];
    threats.greet({ scope, id }, (blocks) => void told.push(...blocks.map(({ source }) => source)));
    return told;
  };
  expect([greeted('shop', 'shop|two|1'), greeted('shop', PROXY.id), greeted('other', 'other|one|1')]).toEqual([['192.0.2.7'], [], []]);
});

test('a block of another replica goes to the proxies of this one, and not back', () => {
  const { threats, sent, spread } = rig();
  const learned = { scope: 'shop', block: block('192.0.2.7', { origin: 'far' }) };
  threats.learn([learned, learned]);
  threats.take(PROXY, [{ ...learned.block, origin: '' }]);
  expect([sent.map(({ block: { origin }, teller }) => [origin, teller]), spread]).toEqual([[['far', '']], []]);
  expect(threats.all()).toEqual([learned]);
});

test('a host has a limited number of blocks, whatever its proxies call themselves, and others have theirs', () => {
  const { threats, sent } = rig();
  threats.take(PROXY, sources(0, 900));
  threats.take({ ...PROXY, id: 'shop|alias|1', name: 'alias', address: '192.0.2.1:4001' }, sources(900, 900));
  expect([sent.length, threats.counts]).toEqual([1_000, { kept: 1_000, refused: 800 }]);
  threats.take({ ...PROXY, id: 'shop|two|1', name: 'two', address: '192.0.2.2:4000' }, sources(2_000, 5));
  expect(sent).toHaveLength(1_005);
});

test('many short blocks, and longer and longer ones of a source, use the room too', () => {
  const { threats, sent } = rig();
  const end = Date.now() + MINUTE_MS;
  for (let i = 0; i < 1_500; i++) threats.take(PROXY, [block('192.0.2.7', { until: end + i })]);
  expect(sent).toHaveLength(1_000);
});

test('a fleet has a limited number of blocks', () => {
  const { threats } = rig();
  for (let i = 0; i < 12; i++) threats.take({ ...PROXY, id: `shop|${i}|1`, address: `192.0.2.${i}:1` }, sources(1_000 * i, 1_000));
  expect(threats.counts).toEqual({ kept: 10_000, refused: 2_000 });
});

test('a block that says nothing, or is older than the command that ends it, is not shared', () => {
  const { threats, sent } = rig((source) => (source === '192.0.2.7' ? Date.now() : 0));
  const malformed = [
    block('0.0.0.0/0'),
    block('everybody'),
    block('192.0.2.9', { policy: 'SecurityPolicy/shop' }),
    block('192.0.2.9', { policy: 'SecurityPolicy/shop/a\u001b[2J' }),
    block('192.0.2.9', { cause: 'a b' }),
  ];
  threats.take(PROXY, [...malformed, block('192.0.2.7', { begun: Date.now() - 1 })]);
  expect([sent, threats.counts]).toEqual([[], { kept: 0, refused: malformed.length }]);
});

test('a command ends the blocks of its source that are older', () => {
  const { threats } = rig();
  const now = Date.now();
  threats.take(PROXY, [block('2001:db8:0:0::/64', { begun: now - 1 }), block('192.0.2.7', { begun: now + 1 })]);
  threats.release('2001:db8::/64', now);
  threats.release('192.0.2.7', now);
  expect(threats.all().map(({ block: { source } }) => source)).toEqual(['192.0.2.7']);
});
