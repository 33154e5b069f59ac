// The compiler: takes changes of Kubernetes objects, returns changed resources and statuses. Its only state is the cache of units.
import type { KindName } from '#api/k8s/kinds.ts';
import { problemOf, refusalOf } from '#api/k8s/invalid-policy.ts';
import { objectId, refOf, type KubernetesObject, type ObjectRef } from '#api/k8s/object.ts';
import type { EncodedResource } from '#api/ir/ir.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { POLICIES, type PolicyKindName } from '#api/k8s/policies.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { Store } from '../snapshot/store.ts';
import type { Change, Wanted } from '../watch/event.ts';
import { alertRuleUnit } from './alert-rule.ts';
import { backendStatusUnit } from './backend-status.ts';
import { backendTlsStatusUnit } from './backend-tls-status.ts';
import { consumerStatusUnit } from './consumer-status.ts';
import { gatewayClassUnit } from './gateway-class.ts';
import { gatewayStatusUnit } from './gateway-status.ts';
import { grpcRouteUnit } from './grpc-route.ts';
import { httpRouteUnit } from './http-route.ts';
import { listenerSetStatusUnit } from './listener-set-status.ts';
import { notificationChannelUnit } from './notification-channel.ts';
import { policyUnit } from './policy.ts';
import type { KeptPairs, PairCounts } from './kept-pairs.ts';
import { Outputs } from './outputs.ts';
import type { CompileDelta, DesiredFleet, DesiredStatus, RejectedObject, UnitFault } from './result.ts';
import { tcpRouteUnit, tlsRouteUnit, udpRouteUnit } from './stream-route.ts';
import { Units } from './units.ts';
import type { CompileOptions, UnitKind } from './view.ts';

/** The root unit of each kind of object. All other units exist because one of these reads them. */
const ROOTS: ReadonlyMap<string, UnitKind<unknown>> = new Map<string, UnitKind<unknown>>([
  ['GatewayClass', gatewayClassUnit],
  ['Gateway', gatewayStatusUnit],
  ['ListenerSet', listenerSetStatusUnit],
  ['Backend', backendStatusUnit],
  ['Consumer', consumerStatusUnit],
  ['AlertRule', alertRuleUnit],
  ['NotificationChannel', notificationChannelUnit],
  ['BackendTLSPolicy', backendTlsStatusUnit],
  ['HTTPRoute', httpRouteUnit],
  ['GRPCRoute', grpcRouteUnit],
  ['TCPRoute', tcpRouteUnit],
  ['TLSRoute', tlsRouteUnit],
  ['UDPRoute', udpRouteUnit],
  ...POLICIES.map((policy) => [policy.kind, policyUnit(policy)] as const),
]);

/** controllerName is required. The other defaults suit a folder of files: proxies bind the addresses of Gateways. */
export type CompilerOptions = Pick<CompileOptions, 'controllerName'> & Partial<CompileOptions>;

const DEFAULTS: Omit<CompileOptions, 'controllerName'> = {
  allowLoopback: false,
  allowExternalNames: false,
  allowedEndpoints: AddressRanges.of([]),
  own: { addresses: new Set(), ports: new Set() },
  bindAddresses: true,
  addresses: null,
  proxyService: '',
  sessionSecret: null,
  fleets: { byDefault: 'Shared', lacks: 'dedicated proxies need a cluster' },
  operatorNamespace: null,
};

/** Keeps all objects and their compiled output, so that the cost of a change depends only on what it affects. */
export class Compiler {
  readonly #store = new Store();
  readonly #outputs: Outputs;
  readonly #units: Units;
  #rejected: RejectedObject[] = [];
  /** Ids of the objects whose last version was rejected. */
  readonly #invalid = new Set<string>();
  #faults: UnitFault[] = [];
  #recompiled = 0;

  /** `pairs`: for tests, with another clock or memory. */
  constructor(options: CompilerOptions, pairs?: KeptPairs) {
    this.#outputs = new Outputs(pairs);
    this.#units = new Units(this.#store, this.#outputs, { ...DEFAULTS, ...options });
  }

  /** Compiles a batch of changes. The result depends on the final objects only, not on order or batching. */
  apply(changes: readonly Change[]): CompileDelta {
    this.take(changes);
    return this.flush();
  }

  /** Compiles changes; `flush` returns the delta. */
  take(changes: readonly Change[]): void {
    for (const change of changes) this.#takeOne(change);
    const { recompiled, faults } = this.#units.run();
    this.#recompiled += recompiled;
    this.#faults.push(...faults);
  }

  /** The delta of all changes taken since the last flush. Changes that were undone in between are left out. */
  flush(): CompileDelta {
    const delta = { ...this.#outputs.flush(), rejected: this.#rejected, faults: this.#faults, recompiled: this.#recompiled };
    this.#rejected = [];
    this.#faults = [];
    this.#recompiled = 0;
    return delta;
  }

  /** All referenced Secrets and ConfigMaps, existing or not, all questions to sources of endpoints, the keys of sessions, the certificates, and the alerts. */
  get wanted(): Wanted {
    const { objectsRead, wanted: FoundEndpoints, wantsSessionKeys: SessionKeys, certificates: Certificates, alerts: Alerts } = this.#units;
    return { ...objectsRead, FoundEndpoints, SessionKeys, Certificates, Alerts };
  }

  /** The objects (`Kind/namespace/name`) whose last version has an invalid structure. */
  get invalid(): ReadonlySet<string> {
    return this.#invalid;
  }

  /** The uid of an object of a watched kind; '' if it is not known. */
  uidOf({ kind, namespace, name }: ObjectRef): string {
    return this.#store.get(kind as KindName, namespace, name)?.metadata.uid ?? '';
  }

  /** The units that failed in the last batch because of a bug. */
  faulty(): Iterable<UnitFault> {
    return this.#units.faulty();
  }

  /** All current resources. */
  resources(): Iterable<EncodedResource> {
    return this.#outputs.resources();
  }

  /** Counts of TLS Secrets, by the state of their pairs. */
  get pairs(): PairCounts {
    return this.#outputs.pairs.counts;
  }

  /** All current fleets. */
  fleets(): Iterable<DesiredFleet> {
    return this.#outputs.fleets();
  }

  /** All current statuses. */
  statuses(): Iterable<DesiredStatus> {
    return this.#outputs.statuses();
  }

  /** A bug with one object affects only that object: its previous version, if any, stays in use. */
  #takeOne(change: Change): void {
    try {
      if (change.type === 'upsert') this.#rejected.push(...this.#upsert(change.object));
      else if (change.type === 'delete') this.#delete(change.ref);
      else if (change.type === 'found') this.#touch(this.#store.putFound(change.ref, change.found));
      else if (change.type === 'session keys') this.#touch(this.#store.putSessionKeys(change.keys));
      else if (change.type === 'alert state') this.#touch(this.#store.putAlertState(change.ref, change.state));
      else this.#touch(this.#store.markUnreadable(change.ref, change.reason));
    } catch (error) {
      const object = change.type === 'upsert' ? describe(change.object) : objectId(change.ref);
      this.#faults.push({ unit: 'store', object, error });
    }
  }

  #upsert(object: unknown): RejectedObject[] {
    const valid = validateObject(object, { strict: false });
    if (!valid.ok) {
      this.#invalid.add(describe(object));
      const refusal = refusalOf(object, valid.error);
      if (refusal !== null && !this.#hasValid(refOf(refusal))) this.#put(refusal);
      return [{ object: describe(object), errors: valid.error }];
    }
    this.#invalid.delete(describe(object));
    this.#put(valid.value);
    return [];
  }

  /** Whether a version of the policy was valid. */
  #hasValid({ kind, namespace, name }: ObjectRef): boolean {
    const before = this.#store.get(kind as PolicyKindName, namespace, name);
    return before !== undefined && problemOf(before.spec) === null;
  }

  #put(object: KubernetesObject): void {
    const ref = refOf(object);
    const isNew = !this.#store.has(ref);
    this.#touch(this.#store.upsert(object));
    const root = ROOTS.get(ref.kind);
    if (isNew && root !== undefined) this.#units.addRoot(root, rootKey(ref));
  }

  #delete(ref: ObjectRef): void {
    this.#invalid.delete(objectId(ref));
    this.#touch(this.#store.delete(ref));
    const root = ROOTS.get(ref.kind);
    if (root !== undefined) this.#units.removeRoot(root, rootKey(ref));
  }

  #touch(cells: readonly string[]): void {
    for (const cell of cells) this.#units.touch(cell);
  }
}

function rootKey({ namespace, name }: ObjectRef): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** The id of a value that may not be a valid object. */
function describe(object: unknown): string {
  const { kind, metadata } = (object ?? {}) as { kind?: unknown; metadata?: { namespace?: unknown; name?: unknown } | null };
  return objectId({ kind: String(kind), namespace: String(metadata?.namespace ?? ''), name: String(metadata?.name) });
}
