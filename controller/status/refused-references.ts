// Refusals of resources without a status of their own: Secrets, trust bundles, Services, Backends. The listeners, routes and policies that
// refer to them report the refusals in ResolvedRefs. Stands between `Programmed` and `Readability`.
import type { EncodedResource, ResourceKind } from '#api/ir/ir.ts';
import { originOf, RESOURCE_KINDS, resourceId } from '#api/ir/ir.ts';
import { objectId } from '#api/k8s/object.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import * as conditions from '../compile/conditions.ts';
import type { DesiredCondition, DesiredStatus, ListenerStatus } from '../compile/result.ts';
import type { Refusal } from './proxy-reports.ts';
import { describeRefusal } from './programmed.ts';
import type { StatusTarget } from './programmed.ts';

/** Kinds of resources without a status of their own. */
const REFERRED_TO: ReadonlySet<ResourceKind> = new Set(RESOURCE_KINDS.filter(({ hasStatus }) => !hasStatus).map(({ kind }) => kind));
/** Kinds with a status: in it they report the refusals. */
const REFERRING: ReadonlySet<ResourceKind> = new Set(RESOURCE_KINDS.filter(({ hasStatus }) => hasStatus).map(({ kind }) => kind));

export interface ReferenceOptions {
  /** The next step for statuses. */
  readonly target: StatusTarget;
  /** All current resources. */
  readonly resources: () => Iterable<EncodedResource>;
  /** Ids of the resources that a resource refers to. */
  readonly needsOf: (resource: EncodedResource) => readonly string[];
}

/** The changed resources of a batch. */
interface Changed {
  readonly changed: readonly { readonly kind: ResourceKind }[];
  readonly removed: readonly { readonly kind: ResourceKind }[];
}

/** By part of an object (a listener name, a rule): the refusals of its references. */
type Parts = ReadonlyMap<string, readonly Refusal[]>;

export class RefusedReferences implements StatusTarget {
  readonly #options: ReferenceOptions;
  /** By resource id. Usually empty, and then the other methods return at once. */
  readonly #refused = new Map<string, Refusal>();
  /** The statuses as received, by object id. */
  readonly #statuses = new Map<string, DesiredStatus>();
  /** By id of the referring object. */
  #affected: ReadonlyMap<string, Parts> = new Map();

  constructor(options: ReferenceOptions) {
    this.#options = options;
  }

  write(statuses: readonly DesiredStatus[], forgotten: readonly ObjectRef[]): void {
    for (const ref of forgotten) this.#statuses.delete(objectId(ref));
    for (const status of statuses) this.#statuses.set(objectId(status.ref), status);
    this.#options.target.write(
      statuses.map((status) => this.#told(status)),
      forgotten,
    );
  }

  /** A proxy refuses a resource; null means that no proxy refuses it any more. */
  refused(kind: ResourceKind, key: string, refusal: Refusal | null): void {
    if (!REFERRED_TO.has(kind)) return;
    const id = resourceId(kind, key);
    if (refusal === null && !this.#refused.has(id)) return;
    if (refusal === null) this.#refused.delete(id);
    else this.#refused.set(id, refusal);
    this.#refresh();
  }

  /** Resources have changed; references may have changed with them. */
  changed({ changed, removed }: Changed): void {
    if (this.#refused.size === 0) return;
    if ([...changed, ...removed].some(({ kind }) => kind === 'Cluster' || REFERRING.has(kind))) this.#refresh();
  }

  #refresh(): void {
    const before = this.#affected;
    this.#affected = this.#refused.size === 0 ? new Map() : this.#find();
    const ids = new Set([...before.keys(), ...this.#affected.keys()]);
    const statuses = [...ids].flatMap((id) => this.#statuses.get(id) ?? []);
    if (statuses.length > 0)
      this.#options.target.write(
        statuses.map((status) => this.#told(status)),
        [],
      );
  }

  #find(): ReadonlyMap<string, Parts> {
    const refusals = this.#byName();
    const affected = new Map<string, Map<string, readonly Refusal[]>>();
    for (const resource of this.#options.resources()) {
      if (!REFERRING.has(resource.kind)) continue;
      const found = this.#options.needsOf(resource).flatMap((name) => refusals.get(name) ?? []);
      if (found.length === 0) continue;
      const { ref, part } = originOf(resource.kind, resource.key);
      const id = objectId(ref);
      affected.set(id, (affected.get(id) ?? new Map<string, readonly Refusal[]>()).set(part, [...new Set(found)]));
    }
    return affected;
  }

  /** Refusals by referenced name. A cluster also stands for its endpoints and its trust bundles. */
  #byName(): ReadonlyMap<string, readonly Refusal[]> {
    const refusals = new Map<string, readonly Refusal[]>();
    const add = (name: string, more: readonly Refusal[]) => refusals.set(name, [...(refusals.get(name) ?? []), ...more]);
    for (const refusal of this.#refused.values()) {
      add(resourceId(refusal.kind === 'Endpoints' ? 'Cluster' : refusal.kind, refusal.key), [refusal]);
    }
    const bundles = new Map([...refusals].filter(([name]) => name.startsWith('TrustBundle')));
    if (bundles.size === 0) return refusals;
    for (const resource of this.#options.resources()) {
      if (resource.kind !== 'Cluster') continue;
      const found = this.#options.needsOf(resource).flatMap((name) => bundles.get(name) ?? []);
      if (found.length > 0) add(resourceId('Cluster', resource.key), found);
    }
    return refusals;
  }

  /** The status with the refusals of its references. */
  #told(status: DesiredStatus): DesiredStatus {
    const parts = this.#affected.get(objectId(status.ref));
    if (parts === undefined) return status;
    if (status.type === 'Route') return routeStatus(status, parts);
    if (status.type === 'Policy') return policyStatus(status, parts);
    return status.type === 'Gateway' || status.type === 'ListenerSet' ? holderStatus(status, parts) : status;
  }
}

type RouteStatus = Extract<DesiredStatus, { type: 'Route' }>;
type HolderStatus = Extract<DesiredStatus, { type: 'Gateway' | 'ListenerSet' }>;

function routeStatus(status: RouteStatus, parts: Parts): RouteStatus {
  const message = [...parts].flatMap(([part, refusals]) => refusals.map((refusal) => `${part}: ${describe(refusal)}`)).join('; ');
  const refine = (generation: number) => conditions.routeRefsNotResolved(generation, { reason: 'RefusedByProxy', message });
  return { ...status, parents: status.parents.map((entry) => ({ ...entry, conditions: unresolved(entry.conditions, refine) })) };
}

function policyStatus(status: Extract<DesiredStatus, { type: 'Policy' }>, parts: Parts): DesiredStatus {
  const message = [...parts.values()].flat().map(describe).join('; ');
  const refine = (generation: number) => conditions.policyRefsNotResolved(generation, { reason: 'RefusedByProxy', message });
  return { ...status, ancestors: status.ancestors.map((entry) => ({ ...entry, conditions: unresolved(entry.conditions, refine) })) };
}

function holderStatus(status: HolderStatus, parts: Parts): HolderStatus {
  const listeners = status.listeners.map((listener) => listenerStatus(listener, parts.get(listener.name) ?? []));
  const names = listeners.filter(({ conditions: own }) => own.some(isUnresolved)).map(({ name }) => name);
  const message = `listeners with unresolved references: ${names.join(', ')}`;
  const own = unresolved(status.conditions, (generation) => conditions.gatewayRefsNotResolved(generation, message));
  return { ...status, listeners, conditions: own };
}

function listenerStatus(listener: ListenerStatus, refusals: readonly Refusal[]): ListenerStatus {
  const [first] = refusals;
  if (first === undefined) return listener;
  const reason = first.kind === 'Secret' ? 'InvalidCertificateRef' : 'InvalidCACertificateRef';
  const obstacle = { reason, message: refusals.map(describe).join('; ') } as const;
  return {
    ...listener,
    conditions: unresolved(listener.conditions, (generation) => conditions.listenerRefsNotResolved(generation, obstacle)),
  };
}

/** A problem that compile found is reported first, since the user must fix it first. */
function unresolved(own: readonly DesiredCondition[], refine: (generation: number) => DesiredCondition): readonly DesiredCondition[] {
  return own.map((condition) =>
    condition.type === 'ResolvedRefs' && condition.status === 'True' ? refine(condition.observedGeneration) : condition,
  );
}

function isUnresolved({ type, status }: DesiredCondition): boolean {
  return type === 'ResolvedRefs' && status === 'False';
}

/** `Service/ns/web port 80 is refused by 1 of 2 proxies: ...`. */
function describe(refusal: Refusal): string {
  const { ref, part } = originOf(refusal.kind, refusal.key);
  return `${objectId(ref)}${part === '' ? '' : ` ${part}`} is ${describeRefusal(refusal)}`;
}
