// The interface of a worker for its supervisor, in the same process or its own.
import type * as ir from '#api/ir/ir.ts';
import type { BindingState } from '../exchange/binding-state.ts';
import type { Notice } from '../exchange/notices.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { MetricJson } from '#lib/metric.ts';
import type { Inspected, Inspecting, Inspection } from '../inspection/inspection.ts';
import type { WorkerReport } from '../telemetry/worker-report.ts';

export interface WorkerLink {
  /** It serves: it has all resources. */
  readonly serving: boolean;
  /** Its process; null between two processes. */
  readonly pid: number | null;
  /** As Worker.apply. A worker that dies meanwhile has no errors: its replacement gets all resources. */
  apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]>;
  /** As Worker.bindingState, as last reported by the worker. */
  readonly bindingState: BindingState;
  /** The port bound for a listener's port, or null. */
  boundPort(port: number): number | null;
  /** Counters never decrease, even if the process dies. */
  metrics(): Promise<readonly MetricJson[]>;
  /** As Worker.notice. */
  notice(notice: Notice): void;
  /** As Worker.report; null if the worker does not answer in time. */
  report(): Promise<WorkerReport | null>;
  /** As Worker.inspect. Rejects if it fails or the worker dies. */
  inspect(inspection: Inspection, inspecting: Inspecting): Promise<Inspected>;
  /** As Worker.setTicketKeys. */
  setTicketKeys(keys: Buffer): void;
  /** As Worker.drain. */
  drain(): void;
  /** As Worker.reopenLog. */
  reopenLog(): void;
  /** As Worker.stop. */
  stop(grace: number): Promise<boolean>;
}
