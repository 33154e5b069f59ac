// Counts what comes of the exchanges that external processors process.
import type { MetricFamily } from '#lib/metric.ts';

/**
 * `processed`: the processor did its work; `answered`: it answered in place of the backend; `failed`: it failed, and the exchange was refused or
 * cut; `passed`: it failed, and the exchange went on without it; `observed`: it only got copies.
 */
export type ProcessorOutcome = 'processed' | 'answered' | 'failed' | 'passed' | 'observed';

export class ProcessorCounts {
  readonly #counts = new Map<string, { readonly policy: string; readonly outcome: ProcessorOutcome; value: number }>();

  /** `policy`: `<Kind>/<namespace>/<name>`. */
  count(policy: string, outcome: ProcessorOutcome): void {
    const key = `${policy} ${outcome}`;
    let counted = this.#counts.get(key);
    if (counted === undefined) this.#counts.set(key, (counted = { policy, outcome, value: 0 }));
    counted.value++;
  }

  families(): readonly MetricFamily[] {
    const read: MetricFamily['read'] = () =>
      [...this.#counts.values()].map(({ policy, outcome, value }) => ({ labels: { policy, outcome }, value }));
    return [{ name: 'weir_processor_exchanges_total', type: 'counter', help: 'Exchanges that external processors process', read }];
  }
}
