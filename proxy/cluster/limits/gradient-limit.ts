// A limit of parallel requests that follows the latency of a backend: it grows while requests take about as long as at low load, and shrinks
// in proportion when they take longer, because then they wait for each other in the backend. Ends of requests set the pace; it has no timers.

/** The bounds of the limit. Plain data, because equal settings share a limit. */
export interface GradientSettings {
  /** Numbers of requests. */
  readonly minRequests: number;
  readonly maxRequests: number;
  /** The rise of the latency above that of low load at which the limit begins to shrink, percent. */
  readonly tolerancePercent: number;
}

/** A median of fewer requests is mostly chance. */
const MIN_SAMPLES = 25;
/** A median needs no more. */
const MAX_SAMPLES = 128;
/** The least time between two changes, milliseconds. It is longer if requests take longer: a change must show its effect first. */
const MIN_WINDOW_MS = 100;
/** A greater rise of the latency may be the turn of the event loop or the network, milliseconds. */
const NOISE_MS = 5;
/** The greatest cut at once: one bad moment should not cost more. */
const GREATEST_CUT = 0.5;
/** After a pause of this length, samples from before say nothing, milliseconds. */
const IDLE_MS = 10_000;
/** How long the latency of low load is believed without a new measurement, milliseconds. */
const BELIEVED_MS = 30_000;
/** The weight of a new measurement at low load, and of a lower one at high load. */
const WEIGHT = { low: 0.3, high: 0.1 } as const;

/** `starting`: it doubles until the latency rises. `measuring`: half of it applies, to find the latency of low load. */
type Phase = 'starting' | 'following' | 'measuring';

export class GradientLimit {
  readonly #settings: GradientSettings;
  readonly #samples = new Float64Array(MAX_SAMPLES);
  #phase: Phase = 'starting';
  #exact: number;
  /** The latency of low load, milliseconds; 0 before the first measurement, and the time of the last one. */
  #baseline = 0;
  #measuredAt = 0;
  /** The window of the current samples: its start, the number of samples, and the most requests at the same time. */
  #since = -Infinity;
  #count = 0;
  #peak = 0;
  #sum = 0;
  #lastAt = 0;

  /** It starts at the minimum. */
  constructor(settings: GradientSettings) {
    this.#settings = settings;
    this.#exact = settings.minRequests;
  }

  /** The number of requests that may be under way at the same time. */
  get limit(): number {
    const { minRequests } = this.#settings;
    return Math.max(minRequests, Math.floor(this.#phase === 'measuring' ? this.#exact / 2 : this.#exact));
  }

  /** The latency of low load, milliseconds; 0 if it is not known. */
  get baseline(): number {
    return this.#baseline;
  }

  /**
   * Takes an answered request: when it was sent and answered, and how many requests were under way, itself included. Not for
   * failures: a fast error is no sign of a fast backend.
   */
  answered(sentAt: number, answeredAt: number, parallel: number): void {
    if (answeredAt - this.#lastAt > IDLE_MS) this.#resume();
    this.#lastAt = Math.max(this.#lastAt, answeredAt);
    // What was sent earlier has met the load from before the last change.
    if (sentAt < this.#since) return;
    this.#samples[this.#count % MAX_SAMPLES] = answeredAt - sentAt;
    this.#count++;
    this.#sum += answeredAt - sentAt;
    this.#peak = Math.max(this.#peak, parallel);
    if (this.#count < MIN_SAMPLES || answeredAt - this.#since < Math.max(MIN_WINDOW_MS, this.#sum / this.#count)) return;
    this.#adjust(answeredAt, this.#median());
    this.#beginWindow(answeredAt);
  }

  /** Takes a request that failed, or that its client gave up. It counts only if it took longer than at low load: it may have waited. */
  failed(sentAt: number, endedAt: number, parallel: number): void {
    if (endedAt - sentAt > this.#baseline && this.#baseline > 0) this.answered(sentAt, endedAt, parallel);
  }

  #adjust(now: number, latency: number): void {
    if (this.#baseline === 0) this.#measured(now, latency, 1);
    if (this.#phase === 'measuring') {
      this.#phase = 'following';
      this.#measured(now, latency, 1);
      return;
    }
    // A limit that is not used tells nothing about a higher one, and needs no lower one.
    if (this.#peak < this.#exact / 2) {
      this.#measured(now, latency, now - this.#measuredAt > BELIEVED_MS ? 1 : WEIGHT.low);
      return;
    }
    if (latency <= this.#baseline) this.#measured(now, latency, WEIGHT.high);
    this.#follow(latency);
    if (now - this.#measuredAt > BELIEVED_MS) this.#phase = 'measuring';
  }

  #follow(latency: number): void {
    const { minRequests, maxRequests, tolerancePercent } = this.#settings;
    const allowed = Math.max(this.#baseline * (1 + tolerancePercent / 100), this.#baseline + NOISE_MS);
    const gradient = Math.min(1, Math.max(GREATEST_CUT, allowed / latency));
    if (gradient < 1) this.#phase = 'following';
    const wanted = this.#phase === 'starting' ? this.#exact * 2 : this.#exact * gradient + Math.sqrt(this.#exact);
    this.#exact = Math.min(maxRequests, Math.max(minRequests, wanted));
  }

  #measured(now: number, latency: number, weight: number): void {
    this.#baseline += (latency - this.#baseline) * weight;
    this.#measuredAt = now;
  }

  #median(): number {
    const sorted = this.#samples.slice(0, Math.min(this.#count, MAX_SAMPLES)).sort();
    return sorted[sorted.length >> 1] as number;
  }

  /** Traffic begins again after a pause: its first requests belong to a new window, although they were sent already. */
  #resume(): void {
    if (this.#phase === 'measuring') this.#phase = 'following';
    this.#beginWindow(-Infinity);
  }

  #beginWindow(since: number): void {
    this.#since = since;
    this.#count = 0;
    this.#sum = 0;
    this.#peak = 0;
  }
}
