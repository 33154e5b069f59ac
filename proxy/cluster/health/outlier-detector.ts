// Decides by the attempts at one endpoint whether it is an outlier. One for each distinct detection, fed by the attempts of all rules.
import type { EjectionCause } from '../../exchange/notices.ts';
import type { AttemptResult } from './attempt-result.ts';
import { OutlierWindow } from './outlier-window.ts';
import type { OutlierSettings } from './outlier-settings.ts';

export class OutlierDetector {
  readonly settings: OutlierSettings;
  /** Null: nothing is measured over time. */
  readonly window: OutlierWindow | null;
  /** Failures in a row, by kind. */
  #serverErrors = 0;
  #gatewayErrors = 0;
  #localErrors = 0;
  /** The last result was a failure: a success has something to reset. */
  #failing = false;

  constructor(settings: OutlierSettings) {
    this.settings = settings;
    this.window = settings.failureRatio === null && settings.latency === null ? null : new OutlierWindow(settings.interval);
  }

  /** Takes the result of an attempt. `ms`: the time to the head of the answer; -1 without one. Returns the cause to eject the endpoint. */
  take(result: AttemptResult, now: number, ms: number): EjectionCause | null {
    if (result === 'none') return null;
    this.window?.add(now, result !== 'success', ms);
    if (result === 'success') {
      if (this.#failing) this.#reset();
      return null;
    }
    this.#failing = true;
    this.#count(result);
    return this.#byCount() ?? this.#byRatio();
  }

  /** The endpoint was ejected. */
  ejected(): void {
    this.#reset();
    this.window?.clear();
  }

  /** The endpoint is back on probation: the next failure ejects it again, a success ends the probation. */
  returned(): void {
    const { consecutive5xx, consecutiveGatewayErrors, consecutiveLocalErrors } = this.settings;
    this.#serverErrors = Math.max(0, consecutive5xx - 1);
    this.#gatewayErrors = Math.max(0, consecutiveGatewayErrors - 1);
    this.#localErrors = Math.max(0, consecutiveLocalErrors - 1);
    this.#failing = true;
  }

  #reset(): void {
    this.#serverErrors = 0;
    this.#gatewayErrors = 0;
    this.#localErrors = 0;
    this.#failing = false;
  }

  #count(result: AttemptResult): void {
    this.#serverErrors++;
    this.#gatewayErrors = result === 'serverError' ? 0 : this.#gatewayErrors + 1;
    this.#localErrors = result === 'localError' ? this.#localErrors + 1 : 0;
  }

  /** The most specific cause. */
  #byCount(): EjectionCause | null {
    const { consecutive5xx, consecutiveGatewayErrors, consecutiveLocalErrors } = this.settings;
    if (reached(this.#localErrors, consecutiveLocalErrors)) return 'local_errors';
    if (reached(this.#gatewayErrors, consecutiveGatewayErrors)) return 'gateway_errors';
    return reached(this.#serverErrors, consecutive5xx) ? '5xx' : null;
  }

  #byRatio(): EjectionCause | null {
    const { failureRatio } = this.settings;
    if (failureRatio === null || this.window === null) return null;
    const { requests, failures } = this.window;
    return requests >= failureRatio.minRequests && failures * 100 >= failureRatio.percent * requests ? 'failure_ratio' : null;
  }
}

function reached(count: number, threshold: number): boolean {
  return threshold > 0 && count >= threshold;
}
