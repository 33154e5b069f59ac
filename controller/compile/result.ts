// What a compile yields: the resources and statuses that came out different from last time, nothing else.
import type { FieldError } from '#api/k8s/field-error.ts';
import type { Condition, ObjectRef } from '#api/k8s/object.ts';
import type { EncodedResource, ResourceKind } from '#api/ir/ir.ts';
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';

/** A condition before the status writer fills in lastTransitionTime. */
export type DesiredCondition = Omit<Condition, 'lastTransitionTime'>;

/** status.listeners[] of a Gateway or ListenerSet as it should be. */
export interface ListenerStatus {
  /** Key of the Listener resource. */
  readonly key: string;
  readonly name: string;
  readonly attachedRoutes: number;
  readonly supportedKinds: readonly { readonly group: string; readonly kind: string }[];
  readonly conditions: readonly DesiredCondition[];
}

/** One entry of Gateway.status.addresses. */
export interface StatusAddress {
  readonly type: 'IPAddress' | 'Hostname';
  readonly value: string;
}

/** The parentRef of a route exactly as its author wrote it; statuses are told apart by it. */
export interface ParentRef {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
}

/**
 * The status an object should have. Only Weir's own entries; the writer leaves those of other controllers alone.
 * `uid` is that of the object it was made for ('' when unknown): a new object of the same name starts without a status.
 */
export type DesiredStatus = { readonly ref: ObjectRef; readonly uid?: string } & (
  | {
      readonly type: 'GatewayClass';
      readonly conditions: readonly DesiredCondition[];
      readonly supportedFeatures: readonly string[];
    }
  | {
      readonly type: 'Gateway';
      readonly addresses: readonly StatusAddress[];
      readonly conditions: readonly DesiredCondition[];
      readonly listeners: readonly ListenerStatus[];
      readonly attachedListenerSets: number;
    }
  | {
      readonly type: 'ListenerSet';
      readonly conditions: readonly DesiredCondition[];
      readonly listeners: readonly ListenerStatus[];
    }
  | {
      readonly type: 'Route';
      readonly parents: readonly { readonly parentRef: ParentRef; readonly conditions: readonly DesiredCondition[] }[];
    }
  | {
      readonly type: 'Policy';
      readonly ancestors: readonly AncestorStatus[];
    }
);

/** An entry of the status of a policy: what the policy takes effect through, most often a Gateway (GEP-713). */
export interface AncestorStatus {
  readonly ancestorRef: ParentRef;
  readonly conditions: readonly DesiredCondition[];
}

/** A port that clients of a Gateway connect to. */
export interface FleetPort {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
}

/** The proxies that a Gateway has to itself (GatewayParameters, `fleet: PerGateway`). */
export interface DesiredFleet {
  /** `<namespace>/<name>` of the Gateway, and its uid: the owner of all that is made. */
  readonly gateway: string;
  readonly uid: string;
  /** Null: they are not valid. What there is stays as it is. */
  readonly parameters: GatewayParametersSpec | null;
  readonly ports: readonly FleetPort[];
  /** Of spec.infrastructure: for everything that is made. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The addresses that the Gateway asks for; '' for any. */
  readonly addresses: readonly string[];
}

/** A unit that threw: a bug in Weir. What it yielded before stays in force. To be logged and alarmed. */
export interface UnitFault {
  readonly unit: string;
  /** The object that it was compiled from, `Kind/namespace/name`; '' where it had read none. */
  readonly object: string;
  readonly error: unknown;
}

/** An object whose structure compile cannot work with: its earlier form, if any, stays in force. */
export interface RejectedObject {
  readonly object: string;
  readonly errors: readonly FieldError[];
}

/** What of a batch goes on to proxies, statuses and fleets. */
export type Handover = Pick<CompileDelta, 'changed' | 'removed' | 'statuses' | 'forgotten' | 'fleets' | 'fleetsGone'>;

/** The difference a batch of changes made. */
export interface CompileDelta {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly { readonly kind: ResourceKind; readonly key: string }[];
  readonly statuses: readonly DesiredStatus[];
  /**
   * Objects that have no status from Weir any more: deleted, or given to another controller.
   * Where such a route still exists, the writer removes Weir's entries from it.
   */
  readonly forgotten: readonly ObjectRef[];
  /** Fleets that came out different, and Gateways that have none of their own any more. */
  readonly fleets: readonly DesiredFleet[];
  readonly fleetsGone: readonly string[];
  readonly rejected: readonly RejectedObject[];
  readonly faults: readonly UnitFault[];
  /** How many units were compiled again: the work counter that tests and metrics watch. */
  readonly recompiled: number;
}
