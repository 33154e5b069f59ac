// How a unit of compilation sees the world: through reads that are remembered, so that it runs again when one of them changes.
import type { ObjectRef } from '#api/k8s/object.ts';
import type { KindName, ObjectsByKind } from '#api/k8s/kinds.ts';
import type { Resource } from '#api/ir/ir.ts';
import type { Indexed, IndexName } from '../snapshot/indexes.ts';
import type { FleetMode } from '#api/k8s/k8s.ts';
import type { OfferedPair, PairChoice } from './kept-pairs.ts';
import type { DesiredFleet, DesiredStatus } from './result.ts';

/** What whoever runs the controller decides about compilation. */
export interface CompileOptions {
  /** GatewayClasses with this spec.controllerName are ours. */
  readonly controllerName: string;
  /** Standalone mode: endpoints on loopback and link-local addresses are served. In a cluster they would be the proxy's own pod. */
  readonly allowLoopback: boolean;
  /** Proxies bind the IP addresses of Gateway.spec.addresses. False where a load balancer holds them. */
  readonly bindAddresses: boolean;
  /**
   * Where proxies are reached: the addresses of Gateways that ask for none of their own, IP addresses or host names.
   * Null where addresses are not told (standalone).
   */
  readonly addresses: readonly string[] | null;
  /** The Service in front of those proxies, `<namespace>/<name>`: where no addresses are given they are its own. '' for none. */
  readonly proxyService: string;
  readonly fleets: FleetOptions;
}

/** Who serves Gateways. */
export interface FleetOptions {
  /** Where GatewayParameters do not say. */
  readonly byDefault: FleetMode;
  /** Why Gateways cannot have proxies of their own; '' when they can. */
  readonly lacks: string;
}

/** All a unit may look at. Nothing else: no clock, no environment, no state kept between runs but the pairs in use. */
export interface View {
  readonly options: CompileOptions;
  /** An object, or undefined; its later creation is a change too. */
  object<K extends KindName>(kind: K, namespace: string, name: string): ObjectsByKind[K] | undefined;
  /** Why nothing is known of an object that exists: the source could not read it. */
  whyUnreadable(kind: KindName, namespace: string, name: string): string | undefined;
  /** The objects under a key of an index. */
  list<I extends IndexName>(index: I, key: string): readonly Indexed<I>[];
  /** The value of another unit, which lives as long as someone reads it. */
  read<V>(kind: UnitKind<V>, key: string): V;
  /** How many units name this counter in their output. */
  count(counter: string): number;
  /** What is to be served of a TLS Secret, by what is served of it now. For the unit of that Secret. */
  choosePair(offered: OfferedPair): PairChoice;
}

/** What a unit yields. */
export interface UnitOutput<V> {
  /** For units that read this one. They run again only when it differs from last time. Plain data. */
  readonly value: V;
  readonly resources: readonly Resource[];
  readonly status: DesiredStatus | null;
  readonly fleet: DesiredFleet | null;
  /** Counters this unit adds one to. */
  readonly counters: readonly string[];
}

/**
 * A kind of unit: a pure function from a view to an output.
 * Stages order the work: a unit may read only units of an earlier stage, so one pass in that order settles everything.
 */
export interface UnitKind<V> {
  readonly name: string;
  readonly stage: Stage;
  /** What its readers are given of one that has never compiled, because a bug keeps it from it: a value that harms its object only. */
  fallback(key: string): V;
  compile(view: View, key: string): UnitOutput<V>;
}

/** Leaves first; what reads from many, last. */
export const STAGES = ['leaf', 'parent', 'holder', 'attachable', 'rivals', 'route', 'summary'] as const;
export type Stage = (typeof STAGES)[number];

/** What is said of an object that a bug keeps from being compiled. */
export const FAULT = 'cannot be compiled because of a bug in Weir, of which the log of the controller tells';

/** An output that is a value and nothing else. */
export function valueOnly<V>(value: V): UnitOutput<V> {
  return { value, resources: [], status: null, fleet: null, counters: [] };
}

/** The kind, namespace and name in the id of a namespaced object. */
export function splitId(id: string): ObjectRef {
  const slash = id.indexOf('/');
  return { kind: id.slice(0, slash), ...splitKey(id.slice(slash + 1)) };
}

/** The namespace and name in a key `<namespace>/<name>`. Kubernetes names hold no '/'. */
export function splitKey(key: string): { readonly namespace: string; readonly name: string } {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
