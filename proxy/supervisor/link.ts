// What a supervisor asks of a worker, whether it runs in the same process or in one of its own.
import type * as ir from '#api/ir/ir.ts';
import type { BindingState } from '../exchange/binding-state.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import type { MetricJson } from '#lib/metric.ts';

export interface WorkerLink {
  /** It serves: it has the complete state. */
  readonly serving: boolean;
  /** As Worker.apply. A worker that ends meanwhile has no errors: the one that follows it gets everything anew. */
  apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]>;
  /** As Worker.bindingState, as far as the worker has told. */
  readonly bindingState: BindingState;
  /** The port bound for a listener's port, or null. */
  boundPort(port: number): number | null;
  /** Counters never go back, whatever becomes of the process. */
  metrics(): Promise<readonly MetricJson[]>;
  /** As Worker.setTicketKeys. */
  setTicketKeys(keys: Buffer): void;
  /** As Worker.drain. */
  drain(): void;
  /** As Worker.reopenLog. */
  reopenLog(): void;
  /** As Worker.stop. */
  stop(grace: number): Promise<boolean>;
}
