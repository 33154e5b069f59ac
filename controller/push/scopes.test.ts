// Scopes by example: the deltas that a change causes in each scope.
import { beforeEach, describe, expect, test } from '@jest/globals';
import { consumersName, encodeResource, resourceId } from '#api/ir/ir.ts';
import type { EncodedResource, Route } from '#api/ir/ir.ts';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import { SHARED } from '../compile/fleet-scopes.ts';
import { Scopes } from './scopes.ts';

function listener(gateway: string): EncodedResource {
  const tls = { mode: 'Terminate' as const, certificates: [gateway] };
  const key = `${gateway}/https`;
  return encodeResource({ kind: 'Listener', key, gateway, addresses: [], port: 443, protocol: 'HTTPS', hostname: '', tls });
}

function secret(key: string): EncodedResource {
  return encodeResource({ kind: 'Secret', key, certificate: `certificate of ${key}`, privateKey: `key of ${key}` });
}

function route(name: string, ...gateways: string[]): EncodedResource {
  const attachments = gateways.map((gateway) => ({ listener: `${gateway}/https`, hostnames: [''] }));
  return encodeResource({
    ...{ kind: 'Route', key: `HTTPRoute/a/${name}/0`, objectKind: 'HTTPRoute', namespace: 'a', name, ruleIndex: 0, ruleName: '' },
    ...{ createdAt: 0, attachments, matches: [], filters: [], backends: [] },
    ...{ timeouts: { request: null, backendRequest: null }, retry: null },
  });
}

function cluster(name: string): EncodedResource {
  return encodeResource({ kind: 'Cluster', key: `Service/a/${name}/80`, protocol: 'http1' });
}

/** A policy of these objects that refers to the cluster of a name. */
function fallingBack(objects: readonly (readonly [kind: string, name: string])[], to: string): EncodedResource {
  const name = objects.map((object) => object[1]).join('-');
  return encodeResource({
    ...{ kind: 'Policy', key: `K/a/${name}`, policyKind: 'K', namespace: 'a', name, createdAt: 0, settings: {} },
    targets: objects.map(([kind, target]) => ({ kind, namespace: 'a', name: target, section: '' })),
    references: [`Cluster|Service/a/${to}/80`],
  });
}

/** A policy that authenticates the consumers of its namespace. */
function authenticating(gateway: string): EncodedResource {
  const [namespace = '', name = ''] = gateway.split('/');
  return encodeResource({
    ...{ kind: 'Policy', key: `K/${gateway}`, policyKind: 'K', namespace, name, createdAt: 0, settings: {} },
    targets: [{ kind: 'Gateway', namespace, name, section: '' }],
    references: [consumersName(namespace)],
  });
}

function consumer(key: string, disabled = false): EncodedResource {
  return encodeResource({ kind: 'Consumer', key, groups: [], plan: '', disabled, credentials: [] });
}

let scopes: Scopes;
let told: string[];

function apply(changed: readonly EncodedResource[], own: readonly string[] = [], shared: readonly string[] = []): void {
  scopes.apply({ changed, removed: [], fleets: own.map((gateway) => ({ gateway })), fleetsGone: shared });
}

/** Records the deltas of a scope in `told`. */
function listen(scope: string): void {
  scopes.cacheOf(scope).watch(({ changed, removed }) => {
    told.push(...changed.map(({ kind, key }) => `${scope} gets ${kind} ${key}`));
    told.push(...removed.map(({ kind, key }) => `${scope} loses ${kind} ${key}`));
  });
}

function attachmentsIn(scope: string, key: string): readonly string[] {
  const found = scopes.cacheOf(scope).get(resourceId('Route', key));
  const body = found === undefined ? null : (JSON.parse(found.body.toString()) as Route);
  return body?.attachments.map((attachment) => attachment.listener) ?? [];
}

beforeEach(() => {
  scopes = new Scopes();
  told = [];
});

describe('policies of backends that refer to each other', () => {
  const circle = [cluster('one'), cluster('two'), fallingBack([['Service', 'one']], 'two'), fallingBack([['Service', 'two']], 'one')];

  test('come with the first user of a backend, and leave with the last', () => {
    const user = fallingBack([['Gateway', 'x']], 'one');
    apply([listener('a/x'), ...circle]);
    expect(scopes.cacheOf(SHARED).size).toBe(1);
    apply([user]);
    expect(scopes.cacheOf(SHARED).size).toBe(6);
    scopes.apply({ changed: [], removed: [user], fleets: [], fleetsGone: [] });
    expect(scopes.cacheOf(SHARED).size).toBe(1);
  });

  test('leave with the listeners of their Gateway, if one targets it too', () => {
    const all = [
      cluster('one'),
      fallingBack(
        [
          ['Gateway', 'x'],
          ['Service', 'one'],
        ],
        'one',
      ),
    ];
    apply([listener('a/x'), ...all]);
    expect(scopes.cacheOf(SHARED).size).toBe(3);
    scopes.apply({ changed: [], removed: [listener('a/x')], fleets: [], fleetsGone: [] });
    expect(scopes.cacheOf(SHARED).size).toBe(0);
  });
});

describe('Scopes', () => {
  test('a route of two fleets is sent to each with its own attachments only', () => {
    apply([listener('a/x'), listener('a/y'), listener('a/z'), route('r', 'a/x', 'a/y', 'a/z')], ['a/x', 'a/y']);
    expect(attachmentsIn('a/x', 'HTTPRoute/a/r/0')).toEqual(['a/x/https']);
    expect(attachmentsIn('a/y', 'HTTPRoute/a/r/0')).toEqual(['a/y/https']);
    expect(attachmentsIn(SHARED, 'HTTPRoute/a/r/0')).toEqual(['a/z/https']);
  });

  test('a route that attaches to another Gateway causes no delta for the fleet that had it', () => {
    apply([listener('a/x'), listener('a/y'), route('r', 'a/x')], ['a/x', 'a/y']);
    for (const scope of ['a/x', 'a/y']) listen(scope);
    apply([route('r', 'a/x', 'a/y')]);
    expect(told).toEqual(['a/y gets Route HTTPRoute/a/r/0']);
  });

  test('a Gateway with new dedicated proxies leaves the shared ones, with its secret', () => {
    apply([secret('a/x'), secret('a/y'), listener('a/x'), listener('a/y')]);
    for (const scope of [SHARED, 'a/x']) listen(scope);
    apply([], ['a/x']);
    expect(told.sort()).toEqual([
      'a/x gets Listener a/x/https',
      'a/x gets Secret a/x',
      'shared loses Listener a/x/https',
      'shared loses Secret a/x',
    ]);
    told = [];
    apply([], [], ['a/x']);
    expect(told.filter((line) => line.startsWith('a/x'))).toEqual(['a/x loses Listener a/x/https', 'a/x loses Secret a/x']);
  });

  test('consumers come with a policy that authenticates them; a revocation is one change in every scope that has them', () => {
    apply([consumer('a/alice'), consumer('b/bob')]);
    listen('a/one');
    listen('a/two');
    listen('b/three');
    apply(
      [listener('a/one'), listener('a/two'), listener('b/three'), authenticating('a/one'), authenticating('a/two')],
      ['a/one', 'a/two', 'b/three'],
    );
    expect(told.filter((line) => line.includes('Consumer'))).toEqual(['a/one gets Consumer a/alice', 'a/two gets Consumer a/alice']);
    told = [];
    apply([consumer('a/alice', true), consumer('b/bob', true)]);
    expect(told).toEqual(['a/one gets Consumer a/alice', 'a/two gets Consumer a/alice']);
  });

  test('a policy that a route needs in two ways comes with its references, and goes with them', () => {
    const [web, both] = [
      fallingBack([['HTTPRoute', 'web']], 'b'),
      fallingBack(
        [
          ['Service', 'b'],
          ['HTTPRoute', 'web'],
        ],
        'c',
      ),
    ];
    apply([listener('a/x'), cluster('b'), cluster('c'), web, both]);
    const held = (): readonly string[] => [...scopes.cacheOf(SHARED).resources()].map(({ key }) => key).sort();
    expect(held()).toEqual(['a/x/https']);
    apply([route('web', 'a/x')]);
    const all = ['HTTPRoute/a/web/0', 'K/a/b-web', 'K/a/web', 'Service/a/b/80', 'Service/a/c/80', 'a/x/https'];
    expect(held()).toEqual(all);
    apply([route('web', 'a/y')]);
    expect(held()).toEqual(['a/x/https']);
    apply([route('web', 'a/x')]);
    expect(held()).toEqual(all);
  });

  test('a secret without a listener is in no scope', () => {
    apply([secret('a/x')]);
    expect(scopes.cacheOf(SHARED).size).toBe(0);
  });

  test('a change causes deltas only in the affected ones of a thousand fleets', () => {
    const gateways = Array.from({ length: 1_000 }, (_, i) => `a/g${i}`);
    apply([...gateways.map(listener), ...gateways.map((gateway, i) => route(`r${i}`, gateway))], gateways);
    for (const gateway of gateways) listen(gateway);
    apply([route('r7', 'a/g7', 'a/g8')]);
    expect(told).toEqual(['a/g8 gets Route HTTPRoute/a/r7/0']);
  });

  test('a scope is ready after the first batch, also one that is created later', () => {
    const early = scopes.cacheOf('a/x');
    expect(early.ready).toBe(false);
    apply([]);
    expect([early.ready, scopes.cacheOf('a/y').ready]).toEqual([true, true]);
  });

  test('an empty scope without watchers is forgotten; one with watchers is not', () => {
    apply([]);
    const read = scopes.cacheOf('a/x');
    const unwatch = read.watch(() => undefined);
    scopes.cacheOf('a/y');
    expect(scopes.cacheOf('a/x')).toBe(read);
    unwatch();
    scopes.cacheOf('a/z');
    expect(scopes.cacheOf('a/x')).not.toBe(read);
  });

  test('a resource that fails because of a bug is returned, and the others reach their proxies', () => {
    const faults: string[] = [];
    scopes = new Scopes(new Faults(createLog('silent'), (part) => void faults.push(part)));
    listen(SHARED);
    const broken = { ...route('broken', 'a/x'), body: Buffer.from('no JSON') };
    const left = scopes.apply({ changed: [listener('a/x'), broken, route('r', 'a/x')], removed: [], fleets: [], fleetsGone: [] });
    expect(told).toEqual([`${SHARED} gets Listener a/x/https`, `${SHARED} gets Route HTTPRoute/a/r/0`]);
    expect(left).toEqual({ changed: [broken] });
    expect(faults).toEqual(['scopes']);
  });
});
