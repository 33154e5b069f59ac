// The compiler: changes to Kubernetes objects in, changed resources and statuses out. Pure but for what it remembers.
import { objectId, refOf, type ObjectRef } from '#api/k8s/object.ts';
import type { EncodedResource } from '#api/ir/ir.ts';
import { POLICIES } from '#api/k8s/policies.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { Store } from '../snapshot/store.ts';
import type { Change } from '../watch/event.ts';
import { backendTlsStatusUnit } from './backend-tls-status.ts';
import { gatewayClassUnit } from './gateway-class.ts';
import { gatewayStatusUnit } from './gateway-status.ts';
import { grpcRouteUnit } from './grpc-route.ts';
import { httpRouteUnit } from './http-route.ts';
import { listenerSetStatusUnit } from './listener-set-status.ts';
import { policyUnit } from './policy.ts';
import type { KeptPairs, PairCounts } from './kept-pairs.ts';
import { Outputs } from './outputs.ts';
import type { CompileDelta, DesiredFleet, DesiredStatus, RejectedObject, UnitFault } from './result.ts';
import { tcpRouteUnit, tlsRouteUnit, udpRouteUnit } from './stream-route.ts';
import { Units } from './units.ts';
import type { CompileOptions, UnitKind } from './view.ts';

/** The unit that starts from an object of the kind. All others exist because one of these reads them. */
const ROOTS: ReadonlyMap<string, UnitKind<unknown>> = new Map<string, UnitKind<unknown>>([
  ['GatewayClass', gatewayClassUnit],
  ['Gateway', gatewayStatusUnit],
  ['ListenerSet', listenerSetStatusUnit],
  ['BackendTLSPolicy', backendTlsStatusUnit],
  ['HTTPRoute', httpRouteUnit],
  ['GRPCRoute', grpcRouteUnit],
  ['TCPRoute', tcpRouteUnit],
  ['TLSRoute', tlsRouteUnit],
  ['UDPRoute', udpRouteUnit],
  ...POLICIES.map((policy) => [policy.kind, policyUnit(policy)] as const),
]);

/** controllerName is required; the rest defaults to a cluster whose proxies bind what Gateways say. */
export type CompilerOptions = Pick<CompileOptions, 'controllerName'> & Partial<CompileOptions>;

const DEFAULTS: Omit<CompileOptions, 'controllerName'> = {
  allowLoopback: false,
  bindAddresses: true,
  addresses: null,
  proxyService: '',
  fleets: { byDefault: 'Shared', lacks: 'there is no cluster to make proxies in' },
};

/** Remembers every object and everything compiled from it, so that a change costs what it affects. */
export class Compiler {
  readonly #store = new Store();
  readonly #outputs: Outputs;
  readonly #units: Units;
  #rejected: RejectedObject[] = [];
  #faults: UnitFault[] = [];
  #recompiled = 0;

  /** `pairs`: for tests, with a clock or a memory of their own. */
  constructor(options: CompilerOptions, pairs?: KeptPairs) {
    this.#outputs = new Outputs(pairs);
    this.#units = new Units(this.#store, this.#outputs, { ...DEFAULTS, ...options });
  }

  /** Compiles a batch of changes. The result depends on the objects there are in the end, not on order or batching. */
  apply(changes: readonly Change[]): CompileDelta {
    this.take(changes);
    return this.flush();
  }

  /** Compiles changes and keeps to itself what comes of them. */
  take(changes: readonly Change[]): void {
    for (const change of changes) this.#takeOne(change);
    const { recompiled, faults } = this.#units.run();
    this.#recompiled += recompiled;
    this.#faults.push(...faults);
  }

  /** What came of everything taken since the last time, detours left out. */
  flush(): CompileDelta {
    const delta = { ...this.#outputs.flush(), rejected: this.#rejected, faults: this.#faults, recompiled: this.#recompiled };
    this.#rejected = [];
    this.#faults = [];
    this.#recompiled = 0;
    return delta;
  }

  /** The ids of the Secrets that something refers to, whether they are there or not. Live. */
  get secretsRead(): ReadonlySet<string> {
    return this.#units.secretsRead;
  }

  /** What could not be compiled as of the last batch, because of a bug. */
  faulty(): Iterable<UnitFault> {
    return this.#units.faulty();
  }

  /** Every resource as of the last batch. */
  resources(): Iterable<EncodedResource> {
    return this.#outputs.resources();
  }

  /** What there is to count of the pairs of TLS Secrets as of the last batch. */
  get pairs(): PairCounts {
    return this.#outputs.pairs.counts;
  }

  /** Every fleet as of the last batch. */
  fleets(): Iterable<DesiredFleet> {
    return this.#outputs.fleets();
  }

  /** Every status as of the last batch. */
  statuses(): Iterable<DesiredStatus> {
    return this.#outputs.statuses();
  }

  /** A bug that an object meets costs that object only: its earlier form, if any, stays in force. */
  #takeOne(change: Change): void {
    try {
      if (change.type === 'upsert') this.#rejected.push(...this.#upsert(change.object));
      else if (change.type === 'delete') this.#delete(change.ref);
      else this.#touch(this.#store.markUnreadable(change.ref, change.reason));
    } catch (error) {
      const object = change.type === 'upsert' ? describe(change.object) : objectId(change.ref);
      this.#faults.push({ unit: 'store', object, error });
    }
  }

  #upsert(object: unknown): RejectedObject[] {
    const valid = validateObject(object, { strict: false });
    if (!valid.ok) return [{ object: describe(object), errors: valid.error }];
    const ref = refOf(valid.value);
    const isNew = !this.#store.has(ref);
    this.#touch(this.#store.upsert(valid.value));
    const root = ROOTS.get(ref.kind);
    if (isNew && root !== undefined) this.#units.addRoot(root, rootKey(ref));
    return [];
  }

  #delete(ref: ObjectRef): void {
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

/** The id of something that is only presumably an object. */
function describe(object: unknown): string {
  const { kind, metadata } = (object ?? {}) as { kind?: unknown; metadata?: { namespace?: unknown; name?: unknown } | null };
  return objectId({ kind: String(kind), namespace: String(metadata?.namespace ?? ''), name: String(metadata?.name) });
}
