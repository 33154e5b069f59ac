// The source `dns` against a real resolver in a process of its own.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Endpoint } from '#api/ir/ir.ts';
import type { DnsSettings } from '#api/k8s/backend-source/dns.ts';
import { DnsServer } from '../../../test/discovery/dns-server.ts';
import type { DnsRecord } from '../../../test/discovery/dns-message.ts';
import { until } from '../../../test/support/until.ts';
import type { SourceTrouble } from '../../watch/found.ts';
import type { AddressGuard } from '#lib/destination.ts';
import { dnsEndpoints } from './dns.ts';

const NAME = 'shop.test';

let server: DnsServer;
let stop: AbortController;
let running: Promise<SourceTrouble | null>;
/** The reports of the source: endpoints as `address:port`, or the reason and message of a trouble. */
let told: string[];
let endpoints: readonly Endpoint[];

function a(data: string, ttl = 0): DnsRecord {
  return { type: 'A', ttl, data };
}

function follow(settings: Partial<DnsSettings> = {}, guard: AddressGuard = () => null): void {
  const byDefault = settings.type === 'SRV' ? {} : { port: 80 };
  const times = { minimumRefresh: '20ms', maximumRefresh: '50ms' };
  const all: DnsSettings = { name: NAME, type: 'Any', servers: [server.address], ...times, ...byDefault, ...settings };
  const troubled = ({ reason, message }: SourceTrouble): void => void told.push(`${reason}: ${message}`);
  running = dnsEndpoints(guard).follow({
    owner: 'Backend/default/shop',
    settings: all,
    secrets: {},
    last: null,
    signal: stop.signal,
    troubled,
    found: (found, trouble) => {
      endpoints = found;
      told.push(found.map(({ address, port }) => `${address}:${port}`).join(' '));
      if (trouble) troubled(trouble);
    },
  });
}

function last(text: string): Promise<void> {
  return until(() => told.at(-1) === text, `the report ${text}, not ${told.at(-1) ?? 'none'}`);
}

beforeEach(async () => {
  told = [];
  endpoints = [];
  stop = new AbortController();
  running = Promise.resolve(null);
  server = await new DnsServer().start();
});

afterEach(async () => {
  stop.abort();
  await running;
  await server.kill();
});

describe('a name in DNS', () => {
  test('has the addresses of both families, with the port', async () => {
    const aaaa: DnsRecord = { type: 'AAAA', ttl: 0, data: '2001:db8::1' };
    await server.set({ records: { [`A ${NAME}`]: [a('10.0.0.1')], [`AAAA ${NAME}`]: [aaaa] } });
    follow();
    await last('10.0.0.1:80 2001:db8::1:80');
  });

  test.each([
    ['A', '10.0.0.1:80'],
    ['AAAA', '2001:db8::1:80'],
  ] as const)('is asked for %s only', async (type, expected) => {
    const aaaa: DnsRecord = { type: 'AAAA', ttl: 0, data: '2001:db8::1' };
    await server.set({ records: { [`A ${NAME}`]: [a('10.0.0.1')], [`AAAA ${NAME}`]: [aaaa] } });
    follow({ type });
    await last(expected);
    expect(new Set(server.asked)).toEqual(new Set([`${type} ${NAME}`]));
  });

  test('is looked up again, at the latest after the maximum', async () => {
    await server.addresses(NAME, ['10.0.0.1'], 3_600);
    follow();
    await last('10.0.0.1:80');
    await server.addresses(NAME, ['10.0.0.2'], 3_600);
    await last('10.0.0.2:80');
  });

  test('is not looked up before its TTL ends', async () => {
    await server.addresses(NAME, ['10.0.0.1'], 1);
    follow({ type: 'A', maximumRefresh: '1h' });
    await last('10.0.0.1:80');
    const before = performance.now();
    await server.askedAgain(1);
    expect(performance.now() - before).toBeGreaterThan(700);
  });

  test('may have more addresses than a datagram holds', async () => {
    const many = Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
    await server.addresses(NAME, many);
    follow({ type: 'A' });
    await until(() => endpoints.length === 300, '300 endpoints');
  });

  test('keeps its addresses while the resolver is dead, and follows it again', async () => {
    await server.addresses(NAME, ['10.0.0.1']);
    follow({ type: 'A' });
    await last('10.0.0.1:80');
    await server.kill();
    await until(() => told.some((text) => text.startsWith('LookupFailed: shop.test: ')), 'a trouble');
    expect(endpoints).toHaveLength(1);
    await server.start();
    await server.addresses(NAME, ['10.0.0.2']);
    await last('10.0.0.2:80');
  });

  test.each([
    ['servfail', 'the resolver fails (SERVFAIL)'],
    ['refused', 'the resolver refuses the question (REFUSED)'],
  ] as const)('keeps its addresses after %s', async (all, reason) => {
    await server.addresses(NAME, ['10.0.0.1']);
    follow({ type: 'A' });
    await last('10.0.0.1:80');
    await server.set({ failing: { all } });
    await last(`LookupFailed: shop.test: ${reason}`);
    expect(endpoints).toHaveLength(1);
  });

  test('keeps the addresses of a family whose question fails', async () => {
    const aaaa: DnsRecord = { type: 'AAAA', ttl: 0, data: '2001:db8::1' };
    await server.set({ records: { [`A ${NAME}`]: [a('10.0.0.1')], [`AAAA ${NAME}`]: [aaaa] } });
    follow();
    await last('10.0.0.1:80 2001:db8::1:80');
    await server.set({ records: { [`A ${NAME}`]: [a('10.0.0.2')] }, failing: { [`AAAA ${NAME}`]: 'servfail' } });
    await until(() => told.includes('10.0.0.2:80 2001:db8::1:80'), 'the new address beside the old one');
    expect(told.at(-1)).toBe('LookupFailed: shop.test: the resolver fails (SERVFAIL)');
  });

  test('asks the next resolver if one does not answer', async () => {
    const silent = await new DnsServer().start();
    await silent.set({ failing: { all: 'silent' } });
    await server.addresses(NAME, ['10.0.0.1']);
    follow({ type: 'A', servers: [silent.address, server.address] });
    await last('10.0.0.1:80');
    await silent.kill();
  });

  test('keeps its addresses for a while after its records are gone, then has none', async () => {
    await server.addresses(NAME, ['10.0.0.1']);
    follow({ type: 'A', keep: '1s' });
    await last('10.0.0.1:80');
    await server.set({});
    await last('NoRecords: shop.test has no A records');
    const kept = told.indexOf('NoRecords: shop.test has no A records; its last addresses stay in use for 1s');
    expect(kept).toBeGreaterThan(0);
    expect(told.indexOf('')).toBeGreaterThan(kept);
    expect(endpoints).toEqual([]);
  });

  test('is not asked at a resolver that the controller must not reach', async () => {
    const guard = (address: string) => (address === '127.0.0.1' ? 'is a loopback address' : null);
    follow({}, guard);
    const message = `the resolver ${server.address} is a loopback address`;
    expect(await running).toEqual({ reason: 'AddressRefused', message });
    expect(server.asked).toEqual([]);
  });

  test('has no endpoints if it never had records', async () => {
    follow();
    await last('NoRecords: shop.test has no A or AAAA records');
    expect(told[0]).toBe('');
  });
});

describe('a service in DNS', () => {
  const SRV = '_http._tcp.shop.test';

  test('has ports, priorities in their order, and weights shared by the addresses of a target', async () => {
    const records = {
      [`SRV ${SRV}`]: [
        { type: 'SRV' as const, ttl: 0, data: '10 60 8080 one.test' },
        { type: 'SRV' as const, ttl: 0, data: '10 20 8081 two.test' },
        { type: 'SRV' as const, ttl: 0, data: '20 0 8082 three.test' },
      ],
      'A one.test': [a('10.0.0.1'), a('10.0.0.2')],
      'A two.test': [a('10.0.1.1')],
      'A three.test': [a('10.0.2.1')],
    };
    await server.set({ records });
    follow({ name: SRV, type: 'SRV' });
    await until(() => endpoints.length === 4, 'four endpoints');
    expect(endpoints.map(({ draining: _draining, ...rest }) => rest)).toEqual([
      { address: '10.0.0.1', port: 8080, weight: 30, priority: 0 },
      { address: '10.0.0.2', port: 8080, weight: 30, priority: 0 },
      { address: '10.0.1.1', port: 8081, weight: 20, priority: 0 },
      { address: '10.0.2.1', port: 8082, weight: 1, priority: 1 },
    ]);
  });

  test('keeps the last answer while the question for a target fails', async () => {
    const service = { [`SRV ${SRV}`]: [{ type: 'SRV' as const, ttl: 0, data: '0 0 8080 one.test' }] };
    await server.set({ records: { ...service, 'A one.test': [a('10.0.0.1')] } });
    follow({ name: SRV, type: 'SRV' });
    await last('10.0.0.1:8080');
    await server.set({ records: service, failing: { 'A one.test': 'servfail' } });
    await until(() => told.some((text) => text.startsWith('LookupFailed')), 'a trouble');
    expect(endpoints).toHaveLength(1);
  });

  test('does not exist if its only target is the root', async () => {
    await server.set({ records: { [`SRV ${SRV}`]: [{ type: 'SRV', ttl: 0, data: '0 0 0 .' }] } });
    follow({ name: SRV, type: 'SRV' });
    await last(`NoRecords: ${SRV} has no SRV records`);
  });
});
