// Counts what comes of the exchanges that external processors process.
import type { MetricFamily } from '#lib/metric.ts';

/**
 * `processed`: the processor did its work; `answered`: it answered in place of the backend; `failed`: it failed, and the exchange was refused or
 * cut; `passed`: it failed, and the exchange went on without it; `observed`: it only got copies.
 */
export type ProcessorOutcome = 'processed' | 'answered' | 'failed' | 'passed' | 'observed';

/** What an answer of a processor asks for in vain, by the names of the protocol. `headers`: changes that the policy does not allow. */
export type IgnoredField = 'clear_route_cache' | 'dynamic_metadata' | 'header_mutation' | 'headers' | 'mode_override' | 'trailers';

export class ProcessorCounts {
  readonly #counts = new Map<string, { readonly policy: string; readonly outcome: ProcessorOutcome; value: number }>();
  readonly #ignored = new Map<string, { readonly policy: string; readonly field: IgnoredField; value: number }>();

  /** `policy`: `<Kind>/<namespace>/<name>`. */
  count(policy: string, outcome: ProcessorOutcome): void {
    const key = `${policy} ${outcome}`;
    let counted = this.#counts.get(key);
    if (counted === undefined) this.#counts.set(key, (counted = { policy, outcome, value: 0 }));
    counted.value++;
  }

  ignored(policy: string, field: IgnoredField): void {
    const key = `${policy} ${field}`;
    let counted = this.#ignored.get(key);
    if (counted === undefined) this.#ignored.set(key, (counted = { policy, field, value: 0 }));
    counted.value++;
  }

  families(): readonly MetricFamily[] {
    const read: MetricFamily['read'] = () =>
      [...this.#counts.values()].map(({ policy, outcome, value }) => ({ labels: { policy, outcome }, value }));
    const readIgnored: MetricFamily['read'] = () =>
      [...this.#ignored.values()].map(({ policy, field, value }) => ({ labels: { policy, field }, value }));
    return [
      { name: 'weir_processor_exchanges_total', type: 'counter', help: 'Exchanges that external processors process', read },
      {
        name: 'weir_processor_ignored_fields_total',
        type: 'counter',
        help: 'Fields in answers of external processors without effect',
        read: readIgnored,
      },
    ];
  }
}
