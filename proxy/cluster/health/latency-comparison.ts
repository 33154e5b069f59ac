// Compares the latencies of the endpoints of a cluster, and ejects those far above the median. Only uses with such a setting have one.
import type { Attempt, AttemptListener } from '../../exchange/attempt.ts';
import type { Endpoint } from '../endpoint.ts';
import { detectionId } from './outlier-settings.ts';
import type { OutlierSettings } from './outlier-settings.ts';

/** Differences below this are noise, however large the ratio, milliseconds. */
const MIN_DIFFERENCE_MS = 5;
/** A median of fewer endpoints is one of them, or between two of them. */
const MIN_ENDPOINTS = 3;

export class LatencyComparison implements AttemptListener {
  readonly #settings: OutlierSettings;
  readonly #latency: NonNullable<OutlierSettings['latency']>;
  readonly #endpoints: () => readonly Endpoint[];
  #due = 0;

  constructor(settings: OutlierSettings, latency: NonNullable<OutlierSettings['latency']>, endpoints: () => readonly Endpoint[]) {
    this.#settings = settings;
    this.#latency = latency;
    this.#endpoints = endpoints;
  }

  /** Attempts set the pace: without traffic there is nothing to compare. */
  attemptEnded({ endedAt }: Attempt): void {
    if (endedAt < this.#due) return;
    this.#due = endedAt + this.#settings.interval / 2;
    this.#compare(endedAt);
  }

  #compare(now: number): void {
    const { factor, minRequests } = this.#latency;
    const measured = this.#endpoints().flatMap((endpoint) => {
      const detector = endpoint.outliers.detector(detectionId(this.#settings));
      detector?.window?.advance(now);
      return (detector?.window?.answers ?? 0) < minRequests || detector === null ? [] : [{ endpoint, detector }];
    });
    if (measured.length < MIN_ENDPOINTS) return;
    const latencies = measured.map(({ detector }) => detector.window?.latency ?? 0).sort((a, b) => a - b);
    const median = latencies[Math.floor((latencies.length - 1) / 2)] ?? 0;
    for (const { endpoint, detector } of measured) {
      const latency = detector.window?.latency ?? 0;
      if (latency > factor * median && latency - median > MIN_DIFFERENCE_MS) endpoint.outliers.eject(detector, 'latency');
    }
  }
}
