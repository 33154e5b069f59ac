// The messages between supervisor and worker processes over IPC (structured clone, in order, reliable while both live).
import type * as ir from '#api/ir/ir.ts';
import type { AccessLogSettings } from '../telemetry/access-log/access-log.ts';
import type { Limits } from '../exchange/limits.ts';
import type { BindingState } from '../exchange/binding-state.ts';
import type { LendingStore } from '#lib/limit/store.ts';
import type { Ask, Lend } from '#lib/limit/share.ts';
import type { AddressRange } from '#lib/address-range.ts';
import type { OtlpSettings } from '#lib/otlp/settings.ts';
import type { RedisSettings } from '#lib/redis.ts';
import type { ReplayVerdict } from '#lib/replays.ts';
import type { TracingSettings } from '../exchange/tracing.ts';
import type { ReplayQuestion } from '../exchange/worker-replays.ts';
import type { TopicAsk, TopicTold } from '../hub/supervised-topics.ts';
import type { KeyAsk, KeyTold } from '../idempotency/memory-store.ts';
import type { Notice } from '../exchange/notices.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { PortClaim } from '../exchange/port-claim.ts';
import type { MetricJson } from '#lib/metric.ts';
import type { Inspected, Inspection } from '../inspection/inspection.ts';
import type { WorkerReport } from '../telemetry/worker-report.ts';

/** The options of a worker process. */
export interface WorkerSettings {
  readonly limits: Limits;
  readonly accessLog: string;
  readonly accessLogSettings: AccessLogSettings;
  readonly securityLog: string;
  readonly via: string;
  readonly zone: string;
  readonly drainTimeout: number;
  readonly bindAddress: string;
  /** The number of workers, which share the limits of the proxy. */
  readonly workers: number;
  /** Null: there is no Redis. */
  readonly redis: RedisSettings | null;
  /** Null: nothing goes to an OpenTelemetry collector. */
  readonly otlp: OtlpSettings | null;
  /** Of requests without a policy. */
  readonly tracing: TracingSettings;
  /** Addresses of services by URL that are permitted although they lead to the machine itself. */
  readonly allowedServices: readonly AddressRange[];
}

/** The first message is `start`, with the label of the process's metrics. The answer to a message with an id has the same id. */
export type ToWorker =
  | { readonly type: 'start'; readonly name: string; readonly settings: WorkerSettings; readonly ticketKeys: Uint8Array }
  | { readonly type: 'apply'; readonly id: number; readonly changed: readonly ir.Resource[]; readonly removed: readonly ResourceName[] }
  | { readonly type: 'metrics'; readonly id: number }
  | { readonly type: 'report'; readonly id: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'ticketKeys'; readonly ticketKeys: Uint8Array }
  | { readonly type: 'claimed'; readonly id: number; readonly refusal: PortRefusal | null }
  | { readonly type: 'notice'; readonly notice: Notice }
  /** The answers to `borrow`, in its order. */
  | { readonly type: 'lend'; readonly store: LendingStore; readonly lends: readonly Lend[] }
  /** The answer to `remember` with the same id. */
  | { readonly type: 'remembered'; readonly id: number; readonly verdict: ReplayVerdict }
  /** About the topics of the proxy. */
  | { readonly type: 'topics'; readonly told: TopicTold }
  /** About an idempotency key. */
  | { readonly type: 'keys'; readonly told: KeyTold }
  /** The answer comes at the end of the inspection. */
  | { readonly type: 'inspect'; readonly id: number; readonly inspection: Inspection }
  /** The supervisor has handed on the last part of the inspection with this id. */
  | { readonly type: 'partTaken'; readonly id: number }
  | { readonly type: 'endInspection'; readonly id: number }
  | { readonly type: 'drain' }
  | { readonly type: 'reopenLog' }
  | { readonly type: 'stop'; readonly id: number; readonly grace: number };

/** The reason why a worker may not bind a port. */
export interface PortRefusal {
  readonly code: string;
  readonly message: string;
}

/** The bound ports of a worker. */
export interface Bound {
  readonly bindingState: BindingState;
  /** Port of a listener, bound port. */
  readonly ports: readonly (readonly [number, number | null])[];
}

/**
 * All but `bound`, `claim`, `notice`, `borrow`, `remember`, `topics`, `keys` and `part` are answers. `claim` has its own id, which `claimed` has too, and
 * `remember` that of `remembered`; `part` has that of its inspection, and the next part waits for `partTaken`.
 */
export type FromWorker =
  | { readonly type: 'applied'; readonly id: number; readonly errors: readonly ResourceError[]; readonly bound: Bound }
  | { readonly type: 'bound'; readonly bound: Bound }
  | { readonly type: 'claim'; readonly id: number; readonly claim: PortClaim }
  | { readonly type: 'notice'; readonly notice: Notice }
  /** The worker needs shares of limits. */
  | { readonly type: 'borrow'; readonly store: LendingStore; readonly asks: readonly Ask[] }
  /** The worker accepts a signature, unless it was accepted before. */
  | ({ readonly type: 'remember' } & ReplayQuestion)
  /** About the topics of the proxy, which are in the supervisor. */
  | { readonly type: 'topics'; readonly ask: TopicAsk }
  /** About the idempotency keys of the proxy, which are in the supervisor. */
  | { readonly type: 'keys'; readonly ask: KeyAsk }
  | { readonly type: 'metrics'; readonly id: number; readonly metrics: readonly MetricJson[] }
  | { readonly type: 'reported'; readonly id: number; readonly report: WorkerReport }
  | { readonly type: 'part'; readonly id: number; readonly data: Uint8Array }
  | { readonly type: 'inspected'; readonly id: number; readonly inspected: Inspected }
  | { readonly type: 'inspectionFailed'; readonly id: number; readonly reason: string }
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'stopped'; readonly id: number; readonly flushed: boolean };
