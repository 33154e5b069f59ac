// Outlier detection at one endpoint: its detectors and its ejections, by the id of the detection.
import type { Attempt, AttemptListener, AttemptOutcome } from '../../exchange/attempt.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { EjectionCause, EjectionNotice } from '../../exchange/notices.ts';
import type { SessionOutcome } from '../../exchange/stream-plan.ts';
import type { EndpointTimers } from '../endpoint.ts';
import { resultOf } from './attempt-result.ts';
import type { AttemptResult } from './attempt-result.ts';
import { Ejection } from './ejection.ts';
import { OutlierDetector } from './outlier-detector.ts';
import { detectionId } from './outlier-settings.ts';
import type { OutlierSettings } from './outlier-settings.ts';

export interface OutliersOptions {
  readonly timers: EndpointTimers;
  /** The detections that the users of the endpoint want. */
  readonly wanted: () => Iterable<OutlierSettings>;
  /** Whether a user has another endpoint: the only one is never ejected. */
  readonly replaceable: () => boolean;
  /** This worker ejected the endpoint, or its ejection of it ended (null). `detection`: the id. */
  readonly tell: (detection: string, notice: EjectionNotice | null) => void;
  /** The endpoint was ejected or returned, in whichever worker. */
  readonly changed: () => void;
}

export class Outliers implements AttemptListener {
  readonly #options: OutliersOptions;
  readonly #ejections = new Map<string, Ejection>();
  /** The ejections that this worker began. */
  readonly #own = new Set<string>();
  #detectors: readonly OutlierDetector[] = [];
  /** The users of the endpoint, or their settings, have changed. */
  #outdated = true;

  constructor(options: OutliersOptions) {
    this.#options = options;
  }

  /** The users, or what they want, have changed. */
  outdate(): void {
    this.#outdated = true;
  }

  /** Whether any detection has ejected the endpoint. */
  get ejected(): boolean {
    return [...this.#ejections.values()].some(({ cause }) => cause !== null);
  }

  /** The ejection by a detection; null without one so far. */
  ejection(detection: string): Ejection | null {
    return this.#ejections.get(detection) ?? null;
  }

  /** The detector of a detection; null if no user wants it. */
  detector(detection: string): OutlierDetector | null {
    if (this.#outdated) this.#renew();
    return this.#detectors.find(({ settings }) => detectionId(settings) === detection) ?? null;
  }

  attemptEnded(attempt: Attempt, outcome: AttemptOutcome, error: ExchangeError | null): void {
    const ms = attempt.headAt > 0 ? attempt.headAt - attempt.sentAt : -1;
    this.#take(resultOf(attempt, outcome, error), attempt.endedAt, ms);
  }

  /** Takes what a connection of a stream route says about the endpoint. */
  sessionMet(outcome: SessionOutcome): void {
    this.#take(outcome === 'served' ? 'success' : 'localError', performance.now(), -1);
  }

  /** Ejects the endpoint, unless it is ejected or the only one. */
  eject(detector: OutlierDetector, cause: EjectionCause): void {
    detector.ejected();
    const id = detectionId(detector.settings);
    const ejection = this.#ejectionOf(id);
    if (ejection.cause !== null || !this.#options.replaceable()) return;
    const length = ejection.start(cause, detector.settings);
    this.#own.add(id);
    this.#options.tell(id, { cause, times: ejection.times, length, until: Date.now() + length });
    this.#options.changed();
  }

  /** Takes an ejection of another worker, or its end. */
  take(detection: string, notice: EjectionNotice | null): void {
    if (notice === null) {
      // The end of an ejection by another worker does not end a later one of this worker.
      if (!this.#own.has(detection)) this.#ejections.get(detection)?.end();
      return;
    }
    // The clock of the machine may have jumped since the notice was written.
    const left = Math.min(notice.length, notice.until - Date.now());
    if (left <= 0) return;
    this.detector(detection)?.ejected();
    this.#ejectionOf(detection).adopt(notice.cause, notice.times, left);
    this.#options.changed();
  }

  /** The endpoint is gone. */
  stop(): void {
    for (const ejection of this.#ejections.values()) ejection.stop();
    for (const id of this.#own) this.#options.tell(id, null);
    this.#own.clear();
  }

  #take(result: AttemptResult, now: number, ms: number): void {
    if (this.#outdated) this.#renew();
    for (const detector of this.#detectors) {
      const cause = detector.take(result, now, ms);
      if (cause !== null) this.eject(detector, cause);
    }
  }

  #ejectionOf(id: string): Ejection {
    let ejection = this.#ejections.get(id);
    if (ejection === undefined) {
      ejection = new Ejection({ timers: this.#options.timers, returned: () => this.#returned(id) });
      this.#ejections.set(id, ejection);
    }
    return ejection;
  }

  #returned(id: string): void {
    this.detector(id)?.returned();
    if (this.#own.delete(id)) this.#options.tell(id, null);
    this.#options.changed();
  }

  /** Detectors that stay keep their state. */
  #renew(): void {
    this.#outdated = false;
    const known = new Map(this.#detectors.map((detector) => [detectionId(detector.settings), detector]));
    const wanted = new Map(Array.from(this.#options.wanted(), (settings) => [detectionId(settings), settings]));
    this.#detectors = Array.from(wanted, ([id, settings]) => known.get(id) ?? new OutlierDetector(settings));
  }
}
