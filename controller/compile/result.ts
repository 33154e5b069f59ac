// The result of a compile: the resources and statuses that differ from the last result.
import type { FieldError } from '#api/k8s/field-error.ts';
import type { Condition, ObjectRef } from '#api/k8s/object.ts';
import type { EncodedResource, ResourceKind } from '#api/ir/ir.ts';
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';

/** A condition before the status writer fills in lastTransitionTime. */
export type DesiredCondition = Omit<Condition, 'lastTransitionTime'>;

/** The desired status.listeners[] of a Gateway or ListenerSet. */
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

/** The parentRef of a route exactly as its author wrote it, since it identifies the entry in the status. */
export interface ParentRef {
  readonly group?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
}

/**
 * The desired status of an object, with Weir's own entries only; the writer keeps those of other controllers. `uid`: of the object it was
 * compiled from, '' if unknown. A new object of the same name starts without a status.
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
      readonly type: 'Backend';
      readonly conditions: readonly DesiredCondition[];
    }
  | {
      readonly type: 'Consumer';
      readonly conditions: readonly DesiredCondition[];
    }
  | {
      /** Of an AlertRule or a NotificationChannel. */
      readonly type: 'Alerting';
      readonly conditions: readonly DesiredCondition[];
    }
  | {
      readonly type: 'Policy';
      readonly ancestors: readonly AncestorStatus[];
    }
);

/** A status entry of a policy: an object through which the policy takes effect, usually a Gateway (GEP-713). */
export interface AncestorStatus {
  readonly ancestorRef: ParentRef;
  readonly conditions: readonly DesiredCondition[];
}

/** A port that clients of a Gateway connect to. */
export interface FleetPort {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
}

/** The dedicated proxies of a Gateway (GatewayParameters, `fleet: PerGateway`). */
export interface DesiredFleet {
  /** `<namespace>/<name>` of the Gateway, and its uid: the owner of all created objects. */
  readonly gateway: string;
  readonly uid: string;
  /** Null if they are not valid; existing objects then stay as they are. */
  readonly parameters: GatewayParametersSpec | null;
  readonly ports: readonly FleetPort[];
  /** From spec.infrastructure, for all created objects. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** The addresses that the Gateway requests; '' means any. */
  readonly addresses: readonly string[];
}

/** A unit that threw, because of a bug in Weir. Its previous output stays in use. The fault must be logged and counted. */
export interface UnitFault {
  readonly unit: string;
  /** The object that it was compiled from, `Kind/namespace/name`; '' if it had read none. */
  readonly object: string;
  readonly error: unknown;
}

/** An object with an unexpected structure; its previous version, if any, stays in use. */
export interface RejectedObject {
  readonly object: string;
  readonly errors: readonly FieldError[];
}

/** The part of a delta for proxies, statuses and fleets. */
export type Handover = Pick<CompileDelta, 'changed' | 'removed' | 'statuses' | 'forgotten' | 'fleets' | 'fleetsGone'>;

/** The difference that a batch of changes made. */
export interface CompileDelta {
  readonly changed: readonly EncodedResource[];
  readonly removed: readonly { readonly kind: ResourceKind; readonly key: string }[];
  readonly statuses: readonly DesiredStatus[];
  /**
   * Objects that have no status from Weir any more: deleted, or taken over by another controller. If such a route still exists, the writer
   * removes Weir's entries from it.
   */
  readonly forgotten: readonly ObjectRef[];
  /** Fleets that changed, and Gateways that have no dedicated proxies any more. */
  readonly fleets: readonly DesiredFleet[];
  readonly fleetsGone: readonly string[];
  readonly rejected: readonly RejectedObject[];
  readonly faults: readonly UnitFault[];
  /** Number of units that ran, for tests and metrics. */
  readonly recompiled: number;
}
