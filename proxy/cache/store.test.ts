import { describe, expect, test } from '@jest/globals';
import { CacheStore } from './store.ts';
import { storedAnswer } from './stored-answer.ts';

const TERMS = { defaultTtl: null, maxTtl: null, heuristic: false, staleWhileRevalidate: 0, staleIfError: 0 };

/** An answer for a URL with 1,000 bytes. */
function answer(url: string, more: readonly string[] = [], requestHeaders: readonly string[] = []) {
  const head = { status: 200, headers: ['cache-control', 'max-age=60', ...more], requestedAt: 0, receivedAt: 0 };
  return storedAnswer({ key: `rule\n${url}`, url }, head, Buffer.alloc(1_000), { requestHeaders, terms: TERMS });
}

describe('the store', () => {
  test('drops what was not used for longest', () => {
    const store = new CacheStore(5_000);
    for (const url of ['a', 'b', 'c']) store.put(answer(url));
    store.find('rule\na', []);
    store.put(answer('d'));
    expect(store.entries().map(({ answer: { url } }) => url)).toEqual(['c', 'a', 'd']);
    expect([store.bytes <= 5_000, store.evictions]).toEqual([true, 1]);
  });

  test('stays within its bytes whatever the number of keys and variants', () => {
    const store = new CacheStore(50_000);
    for (let i = 0; i < 2_000; i++) store.put(answer(`http://a/${i}`));
    for (let i = 0; i < 2_000; i++) store.put(answer('http://a/x', ['vary', 'a'], ['a', String(i)]));
    expect(store.bytes).toBeLessThanOrEqual(50_000);
    expect(store.entries().filter(({ answer: { url } }) => url === 'http://a/x').length).toBeLessThanOrEqual(32);
  });

  test('has one answer for the same requests', () => {
    const store = new CacheStore(50_000);
    store.put(answer('a'));
    const bytes = store.bytes;
    store.put(answer('a'));
    expect([store.size, store.bytes]).toEqual([1, bytes]);
  });

  test.each([
    [{ by: 'url', value: 'http://a/x' }, ['http://a/y', 'http://b/']],
    [{ by: 'prefix', value: 'http://a/' }, ['http://b/']],
    [{ by: 'tag', value: 'shop' }, ['http://a/x', 'http://b/']],
    [{ by: 'all' }, []],
  ] as const)('purges %j', (subject, left) => {
    const store = new CacheStore(50_000);
    const all = [answer('http://a/x'), answer('http://a/y', ['surrogate-key', 'news shop']), answer('http://b/')];
    for (const each of all) store.put(each);
    expect(store.purge(subject)).toBe(all.length - left.length);
    expect(store.entries().map(({ answer: { url } }) => url)).toEqual(left);
    if (left.length === 0) expect(store.bytes).toBe(0);
  });
});
