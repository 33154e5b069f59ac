// A worker in the process of its supervisor: used for a single worker.
import type * as ir from '#api/ir/ir.ts';
import { readFamilies } from '#lib/metric.ts';
import type { MetricJson } from '#lib/metric.ts';
import type { BindingState } from '../exchange/binding-state.ts';
import type { Notice } from '../exchange/notices.ts';
import type { ResourceError, ResourceName } from '#api/wire/encode.ts';
import { Worker } from '../worker.ts';
import type { WorkerOptions } from '../worker.ts';
import type { Inspected, Inspecting, Inspection } from '../inspection/inspection.ts';
import type { WorkerReport } from '../telemetry/worker-report.ts';
import type { WorkerLink } from './link.ts';

export class LocalWorker implements WorkerLink {
  readonly serving = true;
  readonly pid = process.pid;
  readonly #worker: Worker;

  constructor(options: WorkerOptions) {
    this.#worker = new Worker(options);
  }

  apply(changed: readonly ir.Resource[], removed: readonly ResourceName[]): Promise<readonly ResourceError[]> {
    return this.#worker.apply(changed, removed);
  }

  get bindingState(): BindingState {
    return this.#worker.bindingState;
  }

  boundPort(port: number): number | null {
    return this.#worker.boundPort(port);
  }

  metrics(): Promise<readonly MetricJson[]> {
    return readFamilies(this.#worker.registry);
  }

  notice(notice: Notice): void {
    this.#worker.notice(notice);
  }

  report(): Promise<WorkerReport> {
    return Promise.resolve(this.#worker.report());
  }

  inspect(inspection: Inspection, inspecting: Inspecting): Promise<Inspected> {
    return this.#worker.inspect(inspection, inspecting);
  }

  setTicketKeys(keys: Buffer): void {
    this.#worker.setTicketKeys(keys);
  }

  drain(): void {
    this.#worker.drain();
  }

  reopenLog(): void {
    this.#worker.reopenLog();
  }

  stop(grace: number): Promise<boolean> {
    return this.#worker.stop(grace);
  }
}
