// News about backends from the states that proxies report: each begin and end once, whatever the number of proxies and reports.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { encodeResource } from '#api/ir/ir.ts';
import { UNGUARDED } from '#lib/faults.ts';
import type { ProxyStates } from './proxy-states.ts';
import type { TroubleNews } from './trouble-news.ts';
import { TroubleWatch } from './trouble-watch.ts';

const APP = 'Service/shop/app/80';
const [A, B] = ['10.0.0.1:80', '10.0.0.2:80'] as const;
/** The looks after which a trouble that is not found has ended. */
const LOOKS = 3;

let states: readonly ProxyStates[];
let complete: boolean;
let leading: boolean;
let told: TroubleNews[];

beforeEach(() => {
  [states, complete, leading, told] = [[], true, true, []];
});

function seen(proxy: string, endpoints: ProxyStates['endpoints'], breakers: ProxyStates['breakers'] = {}): ProxyStates {
  return { proxy, endpoints, breakers };
}

function backend(key: string, addresses: readonly string[]) {
  const endpoints = addresses.map((address) => ({ address, port: 80, draining: address.endsWith('.9') }));
  return encodeResource({ kind: 'Endpoints', key, endpoints });
}

function watch(resources = [backend(APP, ['10.0.0.1', '10.0.0.2'])], burst = 100): TroubleWatch {
  return new TroubleWatch({
    fleet: { states: () => Promise.resolve({ states, complete }) },
    resources: () => resources,
    tell: (news) => told.push(news),
    leads: () => leading,
    guard: UNGUARDED,
    rate: { burst, perSecond: 1e-6 },
  });
}

/** The reasons and messages that looks bring. */
async function looked(watcher: TroubleWatch, times = 1): Promise<readonly string[]> {
  told = [];
  for (let i = 0; i < times; i++) await watcher.look();
  return told.map(({ reason, message }) => `${reason}: ${message}`);
}

describe('a watch for troubles', () => {
  test('tells an ejection once for all proxies and looks', async () => {
    const watcher = watch();
    states = [seen('p1', { [A]: ['ejected'] }), seen('p2', { [A]: ['ejected', 'refusing'] })];
    expect(await looked(watcher, 5)).toEqual([
      `EndpointsEjected: ${A} is ejected at 2 proxies, because requests fail: 1 of 2 endpoints; weir status shows more`,
    ]);
    expect(told[0]).toMatchObject({ backend: APP, type: 'Warning' });
  });

  test('tells the end after three looks without it', async () => {
    const watcher = watch();
    states = [seen('p1', { [A]: ['ejected'] })];
    await watcher.look();
    states = [];
    expect(await looked(watcher, LOOKS - 1)).toEqual([]);
    states = [seen('p2', { [A]: ['ejected'] })];
    expect(await looked(watcher)).toEqual([]);
    states = [];
    expect(await looked(watcher, LOOKS + 2)).toEqual(['EndpointsReturned: no endpoint is ejected any more']);
  });

  test('tells further endpoints, but no return of some', async () => {
    const watcher = watch([backend(APP, ['10.0.0.1', '10.0.0.2', '10.0.0.3'])]);
    states = [seen('p1', { [A]: ['ejected'] })];
    await watcher.look();
    states = [seen('p1', { [A]: ['ejected'], [B]: ['ejected'] })];
    expect(await looked(watcher)).toEqual([
      `EndpointsEjected: ${A} and ${B} are ejected at proxy p1, because requests fail: 2 of 3 endpoints; weir status shows more`,
    ]);
    states = [seen('p1', { [B]: ['ejected'] })];
    expect(await looked(watcher, 5)).toEqual([]);
  });

  test('tells breakers of backends and of endpoints', async () => {
    const watcher = watch();
    states = [seen('p1', {}, { [APP]: 'open' })];
    expect(await looked(watcher)).toEqual([
      'BreakerOpened: the circuit breaker is open at proxy p1: requests are refused; weir status shows more',
    ]);
    states = [seen('p1', {}, { [APP]: 'half-open' })];
    expect(await looked(watcher, 5)).toEqual([]);
    states = [];
    expect(await looked(watcher, LOOKS)).toEqual(['BreakerClosed: all circuit breakers are closed again']);
    states = [seen('p1', { [A]: ['open'] })];
    expect(await looked(watcher)).toEqual([
      `BreakerOpened: the circuit breaker of ${A} is open at proxy p1: other endpoints get the requests; weir status shows more`,
    ]);
  });

  test('says nothing of breakers and endpoints that an operator forces', async () => {
    states = [seen('p1', { [A]: ['forcedOut'], [B]: ['forcedIn'] }, { [APP]: 'forced-open' })];
    expect(await looked(watch())).toEqual([]);
    states = [seen('p1', { [A]: ['forcedOut'], [B]: ['forcedOut'] })];
    expect(await looked(watch())).toEqual([]);
  });

  test('tells that no endpoint is healthy at a proxy, whatever the reasons', async () => {
    const watcher = watch([backend(APP, ['10.0.0.1', '10.0.0.2', '10.0.0.9'])]);
    states = [seen('p1', { [A]: ['unhealthy'] }), seen('p2', { [B]: ['refusing'] })];
    expect(await looked(watcher)).toEqual([]);
    states = [seen('p1', { [A]: ['unhealthy'], [B]: ['refusing'] })];
    expect(await looked(watcher)).toEqual(['NoHealthyEndpoint: none of its 3 endpoints is healthy at proxy p1; weir status shows more']);
    states = [seen('p1', { [B]: ['refusing'] })];
    expect(await looked(watcher, LOOKS)).toEqual(['HealthyEndpoints: each proxy has a healthy endpoint again']);
  });

  test('names the first endpoints only', async () => {
    const addresses = [1, 2, 3, 4, 5].map((last) => `10.0.0.${last}`);
    states = [seen('p1', Object.fromEntries(addresses.slice(1).map((address) => [`${address}:80`, ['ejected']])))];
    const [news = ''] = await looked(watch([backend(APP, addresses)]));
    expect(news).toContain('10.0.0.2:80, 10.0.0.3:80, 10.0.0.4:80 and 1 more are ejected');
  });

  test('tells each backend that shares an address', async () => {
    const other = 'Backend/shop/app/';
    states = [seen('p1', { [A]: ['ejected'] })];
    await looked(watch([backend(APP, ['10.0.0.1', '10.0.0.2']), backend(other, ['10.0.0.1', '10.0.0.3'])]));
    expect(told.map((news) => news.backend)).toEqual([APP, other]);
  });

  test('does not take the silence of a replica for an end', async () => {
    const watcher = watch();
    states = [seen('p1', { [A]: ['ejected'] })];
    await watcher.look();
    [states, complete] = [[], false];
    expect(await looked(watcher, 10)).toEqual([]);
  });

  test('does not tell the end of a backend that is gone', async () => {
    const resources = [backend(APP, ['10.0.0.1', '10.0.0.2'])];
    const watcher = watch(resources);
    states = [seen('p1', { [A]: ['ejected'] })];
    await watcher.look();
    resources.pop();
    expect(await looked(watcher, 5)).toEqual([]);
  });

  test('tells nothing unless it leads, and everything once it does', async () => {
    const watcher = watch();
    states = [seen('p1', { [A]: ['ejected'] })];
    leading = false;
    expect(await looked(watcher, 3)).toEqual([]);
    leading = true;
    expect(await looked(watcher, 3)).toHaveLength(1);
  });

  test('bounds the rate of news', async () => {
    const keys = Array.from({ length: 50 }, (_, index) => `Service/shop/app-${index}/80`);
    states = [seen('p1', { [A]: ['ejected'] })];
    const watcher = watch(
      keys.map((key) => backend(key, ['10.0.0.1', '10.0.0.2'])),
      10,
    );
    expect(await looked(watcher, 3)).toHaveLength(10);
  });
});
