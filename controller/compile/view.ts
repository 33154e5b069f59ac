// The view of a unit: all data that it may read. Each read is recorded, so that a change runs the unit again.
import type { ObjectRef } from '#api/k8s/object.ts';
import type { KindName, ObjectsByKind } from '#api/k8s/kinds.ts';
import type { Resource } from '#api/ir/ir.ts';
import type { Indexed, IndexName } from '../snapshot/indexes.ts';
import type { FleetMode } from '#api/k8s/k8s.ts';
import type { AlertState, WantedAlerts } from '../watch/alerts.ts';
import type { WantedCertificate } from '../watch/certificates.ts';
import type { FoundEndpoints, WantedEndpoints } from '../watch/found.ts';
import type { AddressRules } from './addresses.ts';
import type { OfferedPair, PairChoice } from './kept-pairs.ts';
import type { DesiredFleet, DesiredStatus } from './result.ts';

/** Settings of the controller that affect compilation. */
export interface CompileOptions extends AddressRules {
  /** Serve Services of type ExternalName by the addresses of their names. */
  readonly allowExternalNames: boolean;
  /** The controller serves GatewayClasses with this spec.controllerName. */
  readonly controllerName: string;
  /** Proxies bind the IP addresses of Gateway.spec.addresses. False if a load balancer has these addresses. */
  readonly bindAddresses: boolean;
  /**
   * The addresses of Gateways that request none: IP addresses or host names. Null if statuses have no addresses (standalone).
   */
  readonly addresses: readonly string[] | null;
  /** The Service of the shared proxies, `<namespace>/<name>`: its addresses apply if `addresses` is empty. '' means none. */
  readonly proxyService: string;
  /** The Secret with the keys of sessions; '' if the controller has none. Null if the keys need no Secret (standalone). */
  readonly sessionSecret: string | null;
  readonly fleets: FleetOptions;
  /** The namespace whose alert rules may concern all namespaces; null: all of them may (standalone). */
  readonly operatorNamespace: string | null;
}

/** Settings of fleets. */
export interface FleetOptions {
  /** The mode if GatewayParameters set none. */
  readonly byDefault: FleetMode;
  /** Why dedicated proxies are not possible; '' if they are. */
  readonly lacks: string;
}

/** All data that a unit may read. There is no clock, no environment, and no state between runs except the pairs in use. */
export interface View {
  readonly options: CompileOptions;
  /** An object, or undefined. Its later creation counts as a change. */
  object<K extends KindName>(kind: K, namespace: string, name: string): ObjectsByKind[K] | undefined;
  /** Why an existing object has no content: the source could not read it. */
  whyUnreadable(kind: KindName, namespace: string, name: string): string | undefined;
  /** The answer of a source of endpoints to the question of this owner; undefined before the source reports. */
  found(owner: string): FoundEndpoints | undefined;
  /** What the evaluator tells about a rule or a channel, by its id; undefined before it does. */
  alertState(owner: string): AlertState | undefined;
  /** The keys of sessions, base64; none before they are known. */
  sessionKeys(): readonly string[];
  /** The objects under a key of an index. */
  list<I extends IndexName>(index: I, key: string): readonly Indexed<I>[];
  /** The value of another unit, which lives as long as it has readers. */
  read<V>(kind: UnitKind<V>, key: string): V;
  /** The number of units with this counter in their output. */
  count(counter: string): number;
  /** Chooses the pair of a TLS Secret, based on the pair in use. For the unit of that Secret. */
  choosePair(offered: OfferedPair): PairChoice;
}

/** The output of a unit. */
export interface UnitOutput<V> {
  /** The value for units that read this one. They run again only if it changes. Plain data. */
  readonly value: V;
  readonly resources: readonly Resource[];
  readonly status: DesiredStatus | null;
  readonly fleet: DesiredFleet | null;
  /** The counters that this unit increments by one. */
  readonly counters: readonly string[];
  /** The questions of this unit to sources of endpoints. The owner of each belongs to one unit only. */
  readonly wants: readonly WantedEndpoints[];
  /** The certificates that this unit wants from a certificate authority. */
  readonly certificates: readonly WantedCertificate[];
  /** The alert rule or channel that this unit hands to the evaluator. */
  readonly alerts: WantedAlerts | null;
}

/**
 * A kind of unit: a pure function from a view to an output. A unit may read only units of an earlier stage, so that one pass in the order
 * of the stages is enough.
 */
export interface UnitKind<V> {
  readonly name: string;
  readonly stage: Stage;
  /** The value for readers of a unit that has never compiled because of a bug. It must harm only the unit's own object. */
  fallback(key: string): V;
  compile(view: View, key: string): UnitOutput<V>;
}

/** From the leaves to units that read many others. */
export const STAGES = ['leaf', 'parent', 'holder', 'attachable', 'rivals', 'route', 'summary'] as const;
export type Stage = (typeof STAGES)[number];

/** The reason for an object that cannot be compiled because of a bug. */
export const FAULT = 'cannot be compiled because of a bug in Weir; see the log of the controller';

/** An output with a value only. */
export function valueOnly<V>(value: V): UnitOutput<V> {
  return { value, resources: [], status: null, fleet: null, counters: [], wants: [], certificates: [], alerts: null };
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
