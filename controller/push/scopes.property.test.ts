// For random changes in random order: the deltas of a scope add up to a filter over all resources.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import * as ir from '#api/ir/ir.ts';
import { SHARED } from '../compile/fleet-scopes.ts';
import type { PushCache } from './cache.ts';
import { Scopes } from './scopes.ts';

const GATEWAYS = ['a/x', 'a/y', 'a/z'];
const SCOPES = [SHARED, ...GATEWAYS];

// Few names, so that resources refer to each other. A referenced resource may be missing, come later, or go first.
const Letter = fc.constantFrom('1', '2');
const ListenerKey = fc
  .tuple(fc.constantFrom(...GATEWAYS), fc.constantFrom('1', '2', 'a/1/1'))
  .map(([gateway, name]) => `${gateway}/${name}`);
const ClusterKey = fc.constantFrom('Service/a/1/80', 'Service/a/1/81', 'Service/a/2/80', 'Backend/a/1');
const SecretKey = Letter.map((name) => `a/${name}`);
const BundleKey = Letter.map((name) => `ConfigMap/a/${name}`);
const Attachments = fc
  .uniqueArray(ListenerKey, { maxLength: 3 })
  .map((keys) => keys.map((listener): ir.Attachment => ({ listener, hostnames: [''] })));

const Secret = fc.tuple(SecretKey, Letter).map(([key, text]) => ({ kind: 'Secret' as const, key, certificate: text, privateKey: text }));
const TrustBundle = fc.tuple(BundleKey, Letter).map(([key, text]) => ({ kind: 'TrustBundle' as const, key, certificates: text }));
const Endpoints = fc.tuple(ClusterKey, fc.integer({ min: 1, max: 3 })).map(([key, port]) => ({
  kind: 'Endpoints' as const,
  key,
  endpoints: [{ address: '10.0.0.1', port, draining: false }],
}));
const Cluster = fc.tuple(ClusterKey, fc.option(fc.uniqueArray(BundleKey))).map(([key, authorities]): ir.Cluster => {
  const names = [{ type: 'Hostname' as const, value: 'a' }];
  return {
    kind: 'Cluster',
    key,
    protocol: 'http1',
    ...(authorities === null ? {} : { tls: { serverName: 'a', subjectAltNames: names, authorities } }),
  };
});
const Listener = fc
  .tuple(ListenerKey, fc.uniqueArray(SecretKey), fc.uniqueArray(BundleKey), fc.option(SecretKey))
  .map(([key, certificates, authorities, client]): ir.Listener => {
    const clientValidation = authorities.length === 0 ? {} : { clientValidation: { mode: 'AllowValidOnly' as const, authorities } };
    return {
      ...{ kind: 'Listener', key, gateway: key.slice(0, 3), addresses: [], port: 443, protocol: 'HTTPS', hostname: '' },
      tls: { mode: 'Terminate', certificates, ...clientValidation },
      ...(client === null ? {} : { clientCertificate: client }),
    };
  });
const mirror = (cluster: string): ir.Filter => ({ type: 'RequestMirror', cluster, numerator: 1, denominator: 1 });
const Route = fc
  .tuple(Letter, Attachments, fc.array(fc.option(ClusterKey), { maxLength: 2 }), fc.array(ClusterKey, { maxLength: 2 }))
  .map(([name, attachments, clusters, mirrors]): ir.Route => {
    const backends = clusters.map((cluster, i) => ({ cluster, weight: 1, filters: mirrors.slice(i, 1).map(mirror) }));
    return {
      ...{ kind: 'Route', key: `HTTPRoute/a/${name}/0`, objectKind: 'HTTPRoute', namespace: 'a', name, ruleIndex: 0, ruleName: '' },
      ...{ createdAt: 0, attachments, matches: [], filters: mirrors.slice(1).map(mirror), backends },
      ...{ timeouts: { request: null, backendRequest: null }, retry: null },
    };
  });
const StreamRoute = fc
  .tuple(Letter, Attachments, fc.array(ClusterKey, { maxLength: 2 }))
  .map(([name, attachments, clusters]): ir.StreamRoute => {
    const backends = clusters.map((cluster) => ({ cluster, weight: 1 }));
    const names = { objectKind: 'TCPRoute', namespace: 'a', name, ruleIndex: 0, ruleName: '' };
    return { kind: 'StreamRoute', key: `TCPRoute/a/${name}/0`, ...names, createdAt: 0, attachments, backends };
  });
const Target = fc.tuple(
  fc.constantFrom('Gateway', 'ListenerSet', 'HTTPRoute', 'TCPRoute', 'Service', 'Backend'),
  fc.constantFrom('x', 'y', '1', '2'),
  Letter,
);
const ObjectData = fc
  .tuple(Letter, Letter)
  .map(([name, text]) => ({ kind: 'ObjectData' as const, key: `Secret/a/${name}`, data: { text } }));
/** Policies of backends may refer to backends, also in a circle. */
const Policy = fc
  .tuple(Letter, fc.array(Target, { maxLength: 3 }), fc.uniqueArray(Letter), fc.uniqueArray(ClusterKey))
  .map(([name, targets, data, clusters]): ir.Policy => {
    const own = targets.map(([kind, target, section]) => ({ kind, namespace: 'a', name: target, section }));
    const references = [...data.map((each) => `ObjectData|Secret/a/${each}`), ...clusters.map((key) => `Cluster|${key}`)];
    const names = { policyKind: 'K', namespace: 'a', name, createdAt: 0 };
    return { kind: 'Policy', key: `K/a/${name}`, ...names, targets: own, settings: {}, references };
  });
const AnyResource: fc.Arbitrary<ir.Resource> = fc.oneof(
  ...[Secret, TrustBundle, Endpoints, Cluster, Listener, Route, StreamRoute, Policy, ObjectData],
);

type Step =
  | { readonly put: readonly ir.Resource[]; readonly remove: number; readonly own: string; readonly share: string }
  /** A watcher of a scope joins. */
  | { readonly join: string };

const AnyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      put: fc.uniqueArray(AnyResource, { maxLength: 8, selector: idOf }),
      remove: fc.nat(6),
      own: fc.constantFrom('', '', ...GATEWAYS),
      share: fc.constantFrom('', '', ...GATEWAYS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ join: fc.constantFrom(...SCOPES) }) },
);

function idOf({ kind, key }: { readonly kind: ir.ResourceKind; readonly key: string }): string {
  return ir.resourceId(kind, key);
}

/** All resources, the deltas of each scope, and the watchers. */
class World {
  readonly scopes = new Scopes();
  readonly resources = new Map<string, ir.Resource>();
  readonly own = new Set<string>();
  readonly readers: { readonly scope: string; readonly held: Map<string, string> }[] = [];

  perform(step: Step): void {
    if ('join' in step) return this.#join(step.join);
    const removed = [...this.resources.values()]
      .slice(0, step.remove)
      .filter((one) => !step.put.some((other) => idOf(one) === idOf(other)));
    for (const resource of removed) this.resources.delete(idOf(resource));
    for (const resource of step.put) this.resources.set(idOf(resource), resource);
    if (step.own !== '') this.own.add(step.own);
    const gone = step.share !== step.own && this.own.delete(step.share);
    this.scopes.apply({
      changed: step.put.map(ir.encodeResource),
      removed,
      fleets: step.own === '' ? [] : [{ gateway: step.own }],
      fleetsGone: gone ? [step.share] : [],
    });
  }

  #join(scope: string): void {
    const cache = this.scopes.cacheOf(scope);
    const held = new Map(contents(cache));
    this.readers.push({ scope, held });
    cache.watch(({ changed, removed }) => {
      for (const resource of changed) held.set(idOf(resource), resource.body.toString());
      for (const name of removed) held.delete(idOf(name));
    });
  }

  /** The resources that a scope may read, in the form that it may read. */
  filter(scope: string): ReadonlyMap<string, string> {
    const all = [...this.resources.values()];
    const gateways = GATEWAYS.filter((gateway) => (this.own.has(gateway) ? gateway : SHARED) === scope);
    const listeners = all.filter((one) => one.kind === 'Listener').filter(({ gateway }) => gateways.includes(gateway));
    const attached = ({ listener }: ir.Attachment) => listeners.some(({ key }) => key === listener);
    const routes = all
      .filter((one) => one.kind === 'Route' || one.kind === 'StreamRoute')
      .map((route) => ({ ...route, attachments: route.attachments.filter(attached) }))
      .filter(({ attachments }) => attachments.length > 0);
    const front = new Set([
      ...listeners.map(({ gateway }) => `Gateway/${gateway}`),
      ...listeners.filter(({ key }) => key.endsWith('/a/1/1')).map(() => 'ListenerSet/a/1'),
      ...routes.map(({ objectKind, namespace, name }) => `${objectKind}/${namespace}/${name}`),
    ]);
    const mentioned = JSON.stringify(routes);
    const referred = reachedFrom(all, front, mentioned);
    const isUsed = ({ key }: { key: string }) => mentioned.includes(`"cluster":"${key}"`) || referred.has(`Cluster|${key}`);
    const clusters = all.filter((one) => one.kind === 'Cluster').filter(isUsed);
    const endpoints = all.filter((one) => one.kind === 'Endpoints').filter(isUsed);
    const objects = new Set([...front, ...clusters.map(({ key }) => key.split('/').slice(0, 3).join('/'))]);
    const policies = policiesOf(all, objects);
    const entries = new Set(policies.flatMap(({ references = [] }) => references));
    const data = all.filter((one) => one.kind === 'ObjectData').filter((one) => entries.has(idOf(one)));
    const secrets = all
      .filter((one) => one.kind === 'Secret')
      .filter(({ key }) => listeners.some(({ tls, clientCertificate }) => tls?.certificates.includes(key) || clientCertificate === key));
    const trusted = JSON.stringify([listeners, clusters]);
    const bundles = all.filter((one) => one.kind === 'TrustBundle').filter(({ key }) => trusted.includes(`"${key}"`));
    const visible: ir.Resource[] = [...listeners, ...routes, ...clusters, ...endpoints, ...policies, ...data, ...secrets, ...bundles];
    return new Map(visible.map((one) => [idOf(one), JSON.stringify(one)]));
  }
}

/** What policies refer to: those of the front, of the clusters in its routes, and of the clusters that these policies refer to. */
function reachedFrom(all: readonly ir.Resource[], front: ReadonlySet<string>, routes: string): ReadonlySet<string> {
  const clusters = all.filter((one) => one.kind === 'Cluster');
  let referred = new Set<string>();
  for (;;) {
    const known = referred;
    const used = clusters.filter(({ key }) => routes.includes(`"cluster":"${key}"`) || known.has(`Cluster|${key}`));
    const objects = new Set([...front, ...used.map(({ key }) => key.split('/').slice(0, 3).join('/'))]);
    referred = new Set(policiesOf(all, objects).flatMap(({ references = [] }) => references));
    if (referred.size === known.size) return referred;
  }
}

/** The policies for some of the objects, with these targets only. */
function policiesOf(all: readonly ir.Resource[], objects: ReadonlySet<string>): readonly ir.Policy[] {
  return all
    .filter((one) => one.kind === 'Policy')
    .map((policy) => ({
      ...policy,
      targets: policy.targets.filter(({ kind, namespace, name }) => objects.has(`${kind}/${namespace}/${name}`)),
    }))
    .filter(({ targets }) => targets.length > 0);
}

function contents(cache: PushCache): [string, string][] {
  return [...cache.resources()].map((resource) => [idOf(resource), resource.body.toString()]);
}

function sorted(map: ReadonlyMap<string, string>): [string, string][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

describe('Scopes', () => {
  test('the deltas of a scope add up to the filter', () => {
    fc.assert(
      fc.property(fc.array(AnyStep, { minLength: 1, maxLength: 25 }), (steps) => {
        const world = new World();
        for (const step of steps) {
          world.perform(step);
          for (const { scope, held } of world.readers) expect(sorted(held)).toEqual(sorted(world.filter(scope)));
        }
        for (const scope of SCOPES) {
          expect(sorted(new Map(contents(world.scopes.cacheOf(scope))))).toEqual(sorted(world.filter(scope)));
        }
      }),
      { numRuns: 1_000 },
    );
  });

  test('every scope is empty once all resources are removed', () => {
    fc.assert(
      fc.property(fc.array(AnyStep, { minLength: 1, maxLength: 10 }), (steps) => {
        const world = new World();
        for (const step of steps) world.perform(step);
        world.perform({ put: [], remove: world.resources.size, own: '', share: '' });
        for (const scope of SCOPES) expect(contents(world.scopes.cacheOf(scope))).toEqual([]);
      }),
    );
  });
});
