// The consumers of a proxy: lookups by every kind of credential, expiry without a push, and watches of open streams.
import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import type { FoundConsumer } from '../exchange/consumers.ts';
import { ConsumerIndex } from './consumer-index.ts';

const KEY = 'k-alice-0123456789';

function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

function apiKey(key: string, period: { notBefore?: number; expires?: number } = {}): ir.ConsumerCredential {
  return { type: 'ApiKey', source: `${key}/key`, digest: digestOf(key), ...period };
}

function consumer(name: string, credentials: ir.ConsumerCredential[], fields: Partial<ir.Consumer> = {}): ir.Consumer {
  return { kind: 'Consumer', key: `shop/${name}`, groups: ['customers'], plan: 'gold', disabled: false, credentials, ...fields };
}

function indexOf(consumers: readonly ir.Consumer[], now?: () => number): ConsumerIndex {
  const index = new ConsumerIndex(now);
  for (const one of consumers) index.set(one);
  return index;
}

/** `name`, or `name: refusal`; null without a consumer. */
function print(found: FoundConsumer | null): string | null {
  if (found === null) return null;
  return found.refusal === null ? found.consumer.name : `${found.consumer.name}: ${found.refusal}`;
}

/** Presents an API key of the namespace `shop`. */
function present(index: ConsumerIndex, key = KEY): FoundConsumer {
  const found = index.of('shop').byApiKey(key);
  if (found === null) throw new Error(`no consumer has the key ${key}`);
  return found;
}

describe('lookup', () => {
  test('an API key names its consumer, with groups and plan', () => {
    const { consumer: found } = present(indexOf([consumer('alice', [apiKey(KEY)])]));
    expect(found).toEqual({ namespace: 'shop', name: 'alice', groups: ['customers'], plan: 'gold' });
  });

  test.each([['another key'], [''], [digestOf(KEY)], [`sha256:${digestOf(KEY)}`]])('the key %j names no consumer', (key) => {
    expect(
      indexOf([consumer('alice', [apiKey(KEY)])])
        .of('shop')
        .byApiKey(key),
    ).toBeNull();
  });

  test('a namespace does not know the consumers of others', () => {
    expect(
      indexOf([consumer('alice', [apiKey(KEY)])])
        .of('bank')
        .byApiKey(KEY),
    ).toBeNull();
  });

  test('names such as __proto__ are ordinary names', () => {
    const index = indexOf([consumer('alice', [{ type: 'Jwt', issuer: 'i', claim: '__proto__', value: 'v' }])]);
    expect(index.of('shop').byUserName('__proto__')).toEqual([]);
    expect(index.of('shop').byToken('i', {})).toBeNull();
    expect(index.of('__proto__').byApiKey(KEY)).toBeNull();
  });

  test('a user may have two passwords during a rotation; the valid one comes first', () => {
    const basic = (hash: string, expires?: number): ir.ConsumerCredential => ({
      type: 'Basic',
      source: `${hash}/h`,
      username: 'bob',
      hash,
      ...(expires === undefined ? {} : { expires }),
    });
    const found = indexOf([consumer('bob', [basic('old', 1), basic('new')])])
      .of('shop')
      .byUserName('bob');
    expect(found.map(({ value, refusal }) => [value, refusal])).toEqual([
      ['new', null],
      ['old', 'expired'],
    ]);
  });

  test('keys of signatures have their values', () => {
    const shop = indexOf([
      consumer('alice', [
        { type: 'Hmac', source: 's/k', keyId: 'a', secret: 'c2VjcmV0' },
        { type: 'PublicKey', keyId: 'a', pem: 'pem' },
      ]),
    ]).of('shop');
    expect([shop.byHmacKey('a'), shop.byPublicKey('a'), shop.byHmacKey('b')].map((all) => all.map(({ value }) => value))).toEqual([
      ['c2VjcmV0'],
      ['pem'],
      [],
    ]);
  });

  test('a token names a consumer by issuer and claim', () => {
    const jwt = (issuer: string, claim: string, value: string): ir.ConsumerCredential => ({ type: 'Jwt', issuer, claim, value });
    const shop = indexOf([consumer('alice', [jwt('i', 'sub', '7')]), consumer('bob', [jwt('i', 'email', 'b@c')])]).of('shop');
    expect([shop.byToken('i', { sub: 7 }), shop.byToken('i', { sub: 'x', email: 'b@c' })].map(print)).toEqual(['alice', 'bob']);
    expect([shop.byToken('other', { sub: '7' }), shop.byToken('i', { sub: ['7'] }), shop.byToken('i', {})]).toEqual([null, null, null]);
  });

  test('a certificate names a consumer by its most specific name', () => {
    const named = (field: string, value: string): ir.ConsumerCredential => ({ type: 'Certificate', field, value });
    const shop = indexOf([
      consumer('by-subject', [named('subject', 'CN=a')]),
      consumer('by-name', [named('dnsName', 'a.example.com')]),
      consumer('by-uri', [named('uri', 'spiffe://a')]),
      consumer('by-digest', [named('fingerprint', 'aa')]),
    ]).of('shop');
    const full = { subject: 'CN=a', dnsNames: ['a.example.com'], uris: ['spiffe://a'], fingerprint: 'aa' };
    const found = [full, { ...full, fingerprint: '' }, { ...full, fingerprint: '', uris: [] }].map((names) => shop.byCertificate(names));
    expect(found.map(print)).toEqual(['by-digest', 'by-uri', 'by-name']);
    expect(print(shop.byCertificate({ subject: 'CN=a', dnsNames: [], uris: [], fingerprint: '' }))).toBe('by-subject');
  });
});

describe('validity', () => {
  test('a disabled consumer is found and refused', () => {
    expect(print(present(indexOf([consumer('alice', [apiKey(KEY)], { disabled: true })])))).toBe('alice: disabled');
  });

  test('a credential is valid from notBefore until expires, by the clock', () => {
    let now = 9;
    const index = indexOf([consumer('alice', [apiKey(KEY, { notBefore: 10, expires: 20 })])], () => now);
    const at = (time: number): string | null => {
      now = time;
      return print(present(index));
    };
    expect([9, 10, 19, 20].map(at)).toEqual(['alice: not yet valid', 'alice', 'alice', 'alice: expired']);
  });

  test('the end of a consumer is the end of its credentials', () => {
    expect(print(present(indexOf([consumer('alice', [apiKey(KEY, { expires: 30 })], { expires: 20 })], () => 25)))).toBe('alice: expired');
  });

  test('a removed consumer or credential is unknown at once', () => {
    const index = indexOf([consumer('alice', [apiKey(KEY)]), consumer('bob', [apiKey('k-bob-0123456789')])]);
    index.remove('shop/alice');
    index.set(consumer('bob', []));
    expect([KEY, 'k-bob-0123456789'].map((key) => index.of('shop').byApiKey(key))).toEqual([null, null]);
  });

  test('a value whose Secret cannot be read stays; one of another Secret does not', () => {
    const index = indexOf([consumer('alice', [apiKey(KEY)])]);
    const unread: ir.ConsumerCredential = { type: 'ApiKey', source: `${KEY}/key`, digest: '' };
    index.set(consumer('alice', [unread]));
    index.set(consumer('alice', [unread]));
    expect(print(present(index))).toBe('alice');
    index.set(consumer('alice', [{ ...unread, source: 'other/key' }]));
    expect(index.of('shop').byApiKey(KEY)).toBeNull();
  });
});

describe('a watch', () => {
  /** Watches the credential of alice; the list has `name plan` or `ended` for each call. */
  function watched(index: ConsumerIndex): { readonly calls: string[]; readonly end: () => void } {
    const calls: string[] = [];
    const end = index.watch(present(index), (now) => calls.push(now === null ? 'ended' : `${now.consumer.name} ${now.consumer.plan}`));
    return { calls, end };
  }

  test.each<[string, (index: ConsumerIndex) => void]>([
    ['the consumer is removed', (index) => index.remove('shop/alice')],
    ['the consumer is disabled', (index) => index.set(consumer('alice', [apiKey(KEY)], { disabled: true }))],
    ['the credential is removed', (index) => index.set(consumer('alice', [apiKey('k-other-0123456789')]))],
    ['the credential ends', (index) => index.set(consumer('alice', [apiKey(KEY, { expires: 1 })]))],
  ])('ends when %s', (_, change) => {
    const index = indexOf([consumer('alice', [apiKey(KEY)])]);
    const { calls } = watched(index);
    change(index);
    index.set(consumer('alice', [apiKey(KEY)]));
    index.remove('shop/alice');
    expect(calls).toEqual(['ended']);
  });

  test('hears of another plan or other groups, and of nothing else', () => {
    const index = indexOf([consumer('alice', [apiKey(KEY)])]);
    const { calls } = watched(index);
    index.set(consumer('alice', [apiKey(KEY), apiKey('k-second-0123456789')]));
    index.set(consumer('alice', [apiKey(KEY)], { plan: 'silver' }));
    index.set(consumer('bob', []));
    index.set(consumer('alice', [apiKey(KEY)], { plan: 'silver' }));
    expect(calls).toEqual(['alice silver']);
  });

  test('hears nothing after its end', () => {
    const index = indexOf([consumer('alice', [apiKey(KEY)])]);
    const { calls, end } = watched(index);
    end();
    index.remove('shop/alice');
    expect(calls).toEqual([]);
  });

  test('ends when the time of its credential has come, without a change', async () => {
    const index = indexOf([consumer('alice', [apiKey(KEY, { expires: Date.now() + 50 })])]);
    const ended = new Promise((resolve) => index.watch(present(index), resolve));
    // The timer of the index does not keep a process alive.
    const alive = setInterval(() => undefined, 1_000);
    expect(await ended).toBeNull();
    clearInterval(alive);
  });
});
