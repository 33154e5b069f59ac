// The property of incremental compilation: the output depends on the final objects, not on the order and batches of their changes.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { objectId, refOf, type KubernetesObject } from '#api/k8s/object.ts';
import type * as ir from '#api/ir/ir.ts';
import type { Resource } from '#api/ir/ir.ts';
import type { FleetMode } from '#api/k8s/k8s.ts';
import type { Change } from '../watch/event.ts';
import { Compiler } from './compile.ts';
import { KeptPairs } from './kept-pairs.ts';
import type { CompileDelta } from './result.ts';
import {
  CONTROLLER,
  endpointSlice,
  gateway,
  gatewayClass,
  grpcRoute,
  httpRoute,
  listenerSet,
  namespace,
  policy,
  referenceGrant,
  remove,
  service,
  tlsSecret,
  upsert,
} from './testdata/objects.ts';
import { irErrors } from './testdata/valid-ir.ts';

// Few names, so that objects refer to each other: references often resolve, conflict, dangle and return.
const Namespaces = fc.constantFrom('infra', 'apps');
const Names = fc.constantFrom('a', 'b');
const Hostnames = fc.constantFrom('a.example.com', '*.example.com', 'b.example.com');
const Certificates = ['a', 'b'].map((name) =>
  ['crt', 'key'].map((extension) => readFileSync(new URL(`testdata/tls/${name}.${extension}`, import.meta.url), 'utf8')),
);

const Listener = fc.record(
  {
    name: fc.constantFrom('one', 'two'),
    port: fc.constantFrom(80, 443),
    protocol: fc.constantFrom('HTTP', 'HTTPS', 'TCP'),
    hostname: Hostnames,
    tls: fc.record({ certificateRefs: fc.array(fc.record({ name: Names, namespace: Namespaces }), { maxLength: 2 }) }),
    allowedRoutes: fc.record({
      namespaces: fc.constantFrom({ from: 'All' }, { from: 'Same' }, { from: 'Selector', selector: { matchLabels: { team: 'blue' } } }),
    }),
  },
  { requiredKeys: ['name', 'port', 'protocol'] },
);

const AllowedListeners = fc.constantFrom<object>(
  {},
  { namespaces: { from: 'All' } },
  { namespaces: { from: 'Same' } },
  { namespaces: { from: 'Selector', selector: { matchLabels: { team: 'blue' } } } },
);

const BackendRef = fc.record({ name: Names, namespace: Namespaces, port: fc.constantFrom(80, 81) });

const Rule = fc.record(
  {
    matches: fc.array(
      fc.record({ path: fc.record({ type: fc.constantFrom('PathPrefix', 'RegularExpression'), value: fc.constantFrom('/a', '/(') }) }),
      {
        minLength: 1,
        maxLength: 2,
      },
    ),
    backendRefs: fc.array(BackendRef, { maxLength: 2 }),
    filters: fc.constantFrom(
      [{ type: 'RequestMirror', requestMirror: { backendRef: { name: 'b', port: 80 } } }],
      [{ type: 'ExtensionRef', extensionRef: { group: 'x', kind: 'Y', name: 'z' } }],
    ),
  },
  { requiredKeys: [] },
);

const ParentRef = fc.record(
  {
    kind: fc.constantFrom('Gateway', 'ListenerSet'),
    name: Names,
    namespace: fc.constant('infra'),
    sectionName: fc.constantFrom('one', 'two'),
    port: fc.constantFrom(80, 443),
  },
  { requiredKeys: ['name'] },
);

const attached = {
  parentRefs: fc.array(ParentRef, { maxLength: 2 }),
  hostnames: fc.array(Hostnames, { maxLength: 2 }),
};

const Route = fc.record({ ...attached, rules: fc.array(Rule, { minLength: 1, maxLength: 2 }) });

const GrpcRule = fc.record({
  matches: fc.array(fc.record({ method: fc.constantFrom({ service: 'a.B' }, { method: 'Go' }, { service: '/' }) }), { maxLength: 2 }),
  backendRefs: fc.array(BackendRef, { maxLength: 2 }),
});

const GrpcRoute = fc.record({ ...attached, rules: fc.array(GrpcRule, { maxLength: 2 }) });

/** Adds an age; the Gateway API settles conflicts over hosts by age. */
function aged(object: KubernetesObject, day: number): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, creationTimestamp: `2026-01-0${day}T00:00:00Z` } };
}

const Day = fc.integer({ min: 1, max: 3 });

/** Adds labels for label selectors of policies. */
function labelled(object: KubernetesObject, labels: Readonly<Record<string, string>>): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, labels } };
}

const Labels = fc.constantFrom({}, { team: 'blue' });

/** Some targets have kinds that the policy does not support, or parts that do not exist. */
const PolicyTarget = fc.record(
  {
    kind: fc.constantFrom('Gateway', 'ListenerSet', 'HTTPRoute', 'Service'),
    name: Names,
    sectionName: fc.constantFrom('one', 'two'),
  },
  { requiredKeys: ['kind', 'name'] },
);

const PolicySpec = fc.record({
  targetRefs: fc
    .uniqueArray(PolicyTarget, { maxLength: 2, selector: (target) => JSON.stringify(target) })
    .map((refs) => refs.map((ref) => ({ ...ref, group: ref.kind === 'Service' ? '' : 'gateway.networking.k8s.io' }))),
  targetSelectors: fc.array(
    fc.record({ kind: fc.constantFrom('Gateway', 'HTTPRoute'), matchLabels: fc.constantFrom({}, { team: 'blue' }) }),
    {
      maxLength: 1,
    },
  ),
  timeouts: fc.constantFrom({}, { idle: '1s' }, { request: '2s' }),
});

/** Of policies of backends too: they may form circles. */
const Fallback = fc.record({ backendRef: BackendRef }, { requiredKeys: [] });

const SomeObject: fc.Arbitrary<KubernetesObject> = fc.oneof(
  fc
    .record({
      kind: fc.constantFrom('ClientTrafficPolicy', 'BackendTrafficPolicy'),
      ns: Namespaces,
      name: Names,
      spec: PolicySpec,
      fallback: Fallback,
      day: Day,
    })
    .map(({ kind, ns, name, spec, fallback, day }) => {
      return aged(policy(kind, ns, name, kind === 'BackendTrafficPolicy' ? { ...spec, fallback } : spec), day);
    }),
  fc
    .record({ name: Names, controller: fc.constantFrom(CONTROLLER, 'example.com/other') })
    .map(({ name, controller }) => gatewayClass(name, controller)),
  fc
    .record({
      name: Names,
      className: Names,
      listeners: fc.array(Listener, { minLength: 1, maxLength: 3 }),
      labels: Labels,
      allowedListeners: AllowedListeners,
    })
    .map(({ name, className, listeners, labels, allowedListeners }) =>
      labelled(gateway(name, listeners, className, { allowedListeners }), labels),
    ),
  fc
    .record({ ns: Namespaces, name: Names, parent: Names, listeners: fc.array(Listener, { minLength: 1, maxLength: 3 }), day: Day })
    .map(({ ns, name, parent, listeners, day }) => aged(listenerSet(ns, name, parent, listeners), day)),
  fc.record({ ns: Namespaces, name: Names, spec: Route, day: Day }).map(({ ns, name, spec, day }) => aged(httpRoute(ns, name, spec), day)),
  fc
    .record({ ns: Namespaces, name: Names, spec: GrpcRoute, day: Day })
    .map(({ ns, name, spec, day }) => aged(grpcRoute(ns, name, spec), day)),
  fc
    .record({ ns: Namespaces, name: Names, port: fc.constantFrom(80, 81), appProtocol: fc.constantFrom('kubernetes.io/h2c', 'https', 'x') })
    .map(({ ns, name, port, appProtocol }) => service(ns, name, { ports: [{ port, appProtocol }] })),
  fc
    .record({ ns: Namespaces, name: Names, suffix: Names, addresses: fc.array(fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3')) })
    .map(({ ns, name, suffix, addresses }) => endpointSlice(ns, name, suffix, addresses)),
  fc.record({ ns: Namespaces, labels: fc.constantFrom({}, { team: 'blue' }) }).map(({ ns, labels }) => namespace(ns, labels)),
  fc
    .record({ ns: Namespaces, name: Names, from: Namespaces, kind: fc.constantFrom('Service', 'Secret') })
    .map(({ ns, name, from, kind }) => referenceGrant(ns, name, from, kind)),
  fc
    .record({ ns: Namespaces, name: Names, crt: fc.nat(1), key: fc.nat(1) })
    .map(({ ns, name, crt, key }) => tlsSecret(ns, name, Certificates[crt]?.[0] ?? '', Certificates[key]?.[1] ?? '')),
);

const Fleet = fc.constantFrom<FleetMode>('Shared', 'PerGateway');

const SomeChange: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: SomeObject.map(upsert) },
  { weight: 1, arbitrary: SomeObject.map(remove) },
  {
    weight: 1,
    arbitrary: fc
      .record({ namespace: Namespaces, name: Names, reason: fc.constantFrom('one', 'other') })
      .map(({ reason, ...ref }): Change => ({ type: 'unreadable', ref: { kind: 'Secret', ...ref }, reason })),
  },
);

/** The state of a consumer that only gets deltas. */
class Follower {
  readonly resources = new Map<string, string>();
  readonly statuses = new Map<string, unknown>();
  readonly fleets = new Map<string, unknown>();
  readonly secretsRead: ReadonlySet<string>;

  constructor(secretsRead: ReadonlySet<string>) {
    this.secretsRead = secretsRead;
  }

  follow(delta: CompileDelta): void {
    expect(delta.faults).toEqual([]);
    for (const { kind, key, body } of delta.changed) {
      const text = body.toString();
      expect(irErrors(JSON.parse(text) as Resource)).toBe('');
      expect(this.resources.get(`${kind} ${key}`)).not.toBe(text);
      this.resources.set(`${kind} ${key}`, text);
    }
    for (const { kind, key } of delta.removed) expect(this.resources.delete(`${kind} ${key}`)).toBe(true);
    for (const status of delta.statuses) this.statuses.set(objectId(status.ref), status);
    for (const fleet of delta.fleets) this.fleets.set(fleet.gateway, fleet);
    for (const gateway of delta.fleetsGone) expect(this.fleets.delete(gateway)).toBe(true);
    for (const ref of delta.forgotten) expect(this.statuses.delete(objectId(ref))).toBe(true);
  }

  /** All resources and statuses, sorted. */
  all(): unknown {
    const sort = <V>(map: Map<string, V>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    const secretsRead = [...this.secretsRead].sort();
    return { resources: sort(this.resources), statuses: sort(this.statuses), fleets: sort(this.fleets), secretsRead };
  }
}

/** Without kept pairs, which depend on history by design; kept-pairs.test.ts and the second property test them. */
class Forgetful extends KeptPairs {
  override put(): void {
    // Nothing is remembered.
  }
}

function applyAll(batches: readonly (readonly Change[])[], byDefault: FleetMode): Follower {
  const compiler = new Compiler({ controllerName: CONTROLLER, fleets: { byDefault, lacks: '' } }, new Forgetful());
  const follower = new Follower(compiler.wanted.Secret);
  for (const batch of batches) follower.follow(compiler.apply(batch));
  return follower;
}

/** The final objects, in another order. */
function finalObjects(changes: readonly Change[]): Change[] {
  const last = new Map<string, Change>();
  for (const change of changes) last.set(objectId(change.type === 'upsert' ? refOf(change.object) : change.ref), change);
  return [...last.values()].filter(({ type }) => type !== 'delete').reverse();
}

describe('Compiler', () => {
  test('yields the same as a fresh compile of the final objects, for any order and batches, except for kept pairs', () => {
    fc.assert(
      fc.property(fc.array(fc.array(SomeChange, { maxLength: 8 }), { maxLength: 12 }), Fleet, (batches, fleet) => {
        const incremental = applyAll(batches, fleet);
        const fresh = applyAll([finalObjects(batches.flat())], fleet);
        expect(incremental.all()).toEqual(fresh.all());
      }),
      { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
    );
  });

  test('serves the pair of a Secret, or the last usable one since the first reference', () => {
    fc.assert(
      fc.property(fc.array(fc.array(SomeChange, { maxLength: 8 }), { maxLength: 12 }), (batches) => {
        const compiler = new Compiler({ controllerName: CONTROLLER });
        const follower = new Follower(compiler.wanted.Secret);
        const good = new Map<string, ir.Secret>();
        for (const batch of batches) {
          const delta = compiler.apply(batch);
          follower.follow(delta);
          for (const { kind, key } of delta.removed) if (kind === 'Secret') good.delete(key);
          for (const secret of secretsIn(delta)) {
            const { problem, ...pair } = secret;
            if (problem === undefined) good.set(secret.key, secret);
            else expect(pair).toEqual(good.get(secret.key) ?? { ...pair, certificate: '', privateKey: '' });
          }
        }
      }),
      { numRuns: Number(process.env['FC_RUNS'] ?? 300) },
    );
  });
});

function secretsIn({ changed }: CompileDelta): readonly ir.Secret[] {
  return changed.filter(({ kind }) => kind === 'Secret').map(({ body }) => JSON.parse(body.toString()) as ir.Secret);
}
