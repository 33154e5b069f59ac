// The plan of a request, or the reason why there is none: by port, by host, and by the listener of its TLS connection.
import { describe, expect, test } from '@jest/globals';
import type * as ir from '#api/ir/ir.ts';
import { buildTable } from '#api/match/table.ts';
import { attemptOf } from '../../test/support/pool-rig.ts';
import { listener, pathMatch, route } from '../../test/support/proxy.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { Runtime } from './runtime.ts';
import type { RuntimeParts } from './runtime.ts';

const A = listener({ key: 'default/gateway/a', hostname: 'a.test' });
const B = listener({ key: 'default/gateway/b', hostname: 'b.test' });

/** A route at these listeners, for every path. */
function at(name: string, listeners: readonly ir.Listener[], fields: Partial<ir.Route> = {}): ir.Route {
  const attachments = listeners.map(({ key, hostname }) => ({ listener: key, hostnames: [hostname] }));
  return route({ name, key: `HTTPRoute/default/${name}/0`, attachments, ...fields });
}

/** A runtime with plans named after their routes, and after their listeners if these have their own plans. */
function runtimeOf(
  listeners: readonly ir.Listener[],
  routes: readonly ir.Route[],
  parts: Partial<RuntimeParts> = {},
  own: readonly string[] = [],
) {
  const plan = (key: string) => ({ key }) as never;
  const plans: RuntimeParts['plans'] = new WeakMap();
  for (const each of routes) {
    const byListener = own.length === 0 ? null : new Map(own.map((key) => [key, plan(`${each.name} at ${key}`)]));
    plans.set(each, { common: plan(each.name), byListener, variants: new Set(), filters: new Set() });
  }
  const tables = new Map([[80, buildTable(listeners, routes)]]);
  return new Runtime(1, { tables, plans, identities: new Map(), trusted: new Map(), unrouted: new Map(), policyCors: () => '', ...parts });
}

/** `serverName`: of its TLS connection, which vouches for these hosts. */
function request(host: string, serverName: string | null = null, vouched: readonly string[] = [], port = 80): Exchange {
  const tls = serverName === null ? null : { serverName, vouches: (name: string) => vouched.includes(name) };
  const { exchange } = attemptOf({ method: 'GET', host, authority: host, path: '/' });
  return Object.assign(exchange, { connection: { localPort: port, tls } });
}

function keyOf(runtime: Runtime, exchange: Exchange): string | null {
  return runtime.match(exchange)?.key ?? null;
}

describe('a request', () => {
  const runtime = runtimeOf([A, B], [at('one', [A]), at('two', [B])]);

  test('gets the plan of the route at the listener of its host, and the name of that listener', () => {
    const exchange = request('b.test');
    expect([keyOf(runtime, exchange), exchange.listener]).toEqual(['two', B.key]);
  });

  test('gets none at a port without listeners, or for a host without a listener', () => {
    for (const exchange of [request('a.test', null, [], 81), request('c.test')]) {
      expect(keyOf(runtime, exchange)).toBe(null);
      expect(runtime.mismatch(exchange)).toBe(ERRORS.routeNotFound);
    }
  });

  test('gets the plan of its listener if there is one, else the shared plan', () => {
    const shared = runtimeOf([A, B], [at('one', [A, B])], {}, [A.key]);
    expect([keyOf(shared, request('a.test')), keyOf(shared, request('b.test'))]).toEqual([`one at ${A.key}`, 'one']);
  });

  test('gets the length of the matched prefix', () => {
    const exchange = request('a.test');
    exchange.path = '/shop/cart';
    keyOf(runtimeOf([A], [at('shop', [A], { matches: [pathMatch('PathPrefix', '/shop')] })]), exchange);
    expect(exchange.prefixLength).toBe('/shop'.length);
  });
});

describe('a TLS connection', () => {
  const runtime = runtimeOf([A, B], [at('one', [A]), at('two', [B])]);

  test('reaches the routes of the listener of its server name', () => {
    expect(keyOf(runtime, request('a.test', 'a.test'))).toBe('one');
  });

  test('reaches no other listener with any certificate', () => {
    for (const vouched of [[], ['b.test']]) {
      const exchange = request('b.test', 'a.test', vouched);
      expect([keyOf(runtime, exchange), runtime.mismatch(exchange)]).toEqual([null, ERRORS.misdirectedRequest]);
    }
  });

  test('reaches other hosts of its listener if its certificate has them', () => {
    const wide = listener({ key: 'default/gateway/wide', hostname: '*.test' });
    const one = runtimeOf([wide], [at('one', [wide])]);
    expect(keyOf(one, request('b.test', 'a.test', ['b.test']))).toBe('one');
    const exchange = request('b.test', 'a.test');
    expect([keyOf(one, exchange), one.mismatch(exchange)]).toEqual([null, ERRORS.misdirectedRequest]);
  });

  test('whose listener was removed reaches nothing', () => {
    const gone = runtimeOf([B], [at('two', [B])]);
    expect(keyOf(gone, request('b.test', 'a.test', ['b.test']))).toBe(null);
  });
});

describe('a listener that cannot be served', () => {
  const wide = listener({ key: 'default/gateway/wide', hostname: '*.test' });
  const runtime = runtimeOf([wide, { ...A, unserved: 'its certificate is missing' }], [at('one', [wide])]);

  test('keeps its host from less specific listeners', () => {
    expect([keyOf(runtime, request('a.test')), keyOf(runtime, request('b.test'))]).toEqual([null, 'one']);
  });

  test('is the reason without TLS; with TLS the reason is the other listener', () => {
    expect(runtime.mismatch(request('a.test'))).toBe(ERRORS.listenerUnserved);
    expect(runtime.mismatch(request('a.test', 'b.test', ['a.test']))).toBe(ERRORS.misdirectedRequest);
  });
});

describe('the listener of a request', () => {
  test('determines the client certificate for backends', () => {
    const identity = {} as never;
    const runtime = runtimeOf([A, B], [at('one', [A, B])], { identities: new Map([[A.key, identity]]) });
    const exchanges = [request('a.test'), request('b.test')];
    for (const exchange of exchanges) keyOf(runtime, exchange);
    expect(exchanges.map(({ clientIdentity }) => clientIdentity === identity)).toEqual([true, false]);
  });

  test('determines the trusted proxies; without any, the request is not examined', () => {
    const asked: string[] = [];
    const trusted = { identify: ({ host }: Exchange) => (asked.push(host), false) } as never;
    const runtime = runtimeOf([A, B], [], { trusted: new Map([[A.key, trusted]]) });
    expect(['a.test', 'b.test', 'c.test'].map((host) => runtime.identify(request(host)))).toEqual([false, true, true]);
    expect(asked).toEqual(['a.test']);
  });
});

test('a preflight that the CORS of its rule does not allow gets the plan that refuses it', () => {
  const cors = { type: 'CORS', allowOrigins: ['*'] } as unknown as ir.Filter;
  const matches = [{ ...pathMatch('PathPrefix', '/'), method: 'OPTIONS' }];
  const runtime = runtimeOf([A], [at('one', [A], { matches, filters: [cors] })]);
  const plans = ['GET', 'OPTIONS'].map((announced) => {
    const exchange = request('a.test');
    exchange.method = 'OPTIONS';
    exchange.requestHeaders = ['origin', 'https://page.test', 'access-control-request-method', announced];
    return runtime.match(exchange);
  });
  expect(plans.map((plan) => plan?.key)).toEqual(['one', 'one']);
  expect(plans.map((plan) => plan?.requestFilters?.map(({ name }) => name) ?? null)).toEqual([['CORS'], null]);
});
