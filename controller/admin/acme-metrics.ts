// The metrics of certificates by ACME, for a controller and for `weir up`. Labels are fixed words, so their number is bounded.
import type { MetricFamily } from '#lib/metric.ts';
import type { AttemptReport, CertificateProgress } from '../acme/issuer.ts';

const RESULTS = ['issued', 'failed', 'unreachable'] as const;

/** Counts attempts since the start. */
export class AcmeCounts {
  readonly #counts = new Map<AttemptReport['result'], { count: number; last: number }>();

  report({ result }: AttemptReport): void {
    const counted = this.#counts.get(result) ?? { count: 0, last: 0 };
    this.#counts.set(result, { count: counted.count + 1, last: Date.now() });
  }

  count(result: AttemptReport['result']): number {
    return this.#counts.get(result)?.count ?? 0;
  }

  /** Milliseconds since the epoch; 0 for never. */
  last(result: AttemptReport['result']): number {
    return this.#counts.get(result)?.last ?? 0;
  }
}

/** The families of metrics, read at each scrape. */
export function acmeFamilies(counts: AcmeCounts, progress: () => readonly CertificateProgress[]): readonly MetricFamily[] {
  const byResult = (read: (result: AttemptReport['result']) => number) => () =>
    RESULTS.map((result) => ({ labels: { result }, value: read(result) }));
  return [
    {
      name: 'weir_acme_certificates',
      type: 'gauge',
      help: 'Certificates that Weir obtains by ACME, by state: failing if the last attempt failed.',
      read: () => {
        const failing = progress().filter(({ problem }) => problem !== '').length;
        return [
          { labels: { state: 'ok' }, value: progress().length - failing },
          { labels: { state: 'failing' }, value: failing },
        ];
      },
    },
    {
      name: 'weir_acme_attempts_total',
      type: 'counter',
      help: 'Attempts to obtain a certificate by ACME, by result.',
      read: byResult((result) => counts.count(result)),
    },
    {
      name: 'weir_acme_last_attempt_timestamp_seconds',
      type: 'gauge',
      help: 'When the last attempt with a result ended; 0 for never.',
      aggregator: 'max',
      read: byResult((result) => counts.last(result) / 1_000),
    },
  ];
}
