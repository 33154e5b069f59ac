// The ejections of one endpoint by one detection: for a while, longer each time, and shorter again after good times.
import { Timer } from '#lib/timer-wheel.ts';
import type { EndpointTimers } from '../endpoint.ts';
import type { EjectionCause } from '../../exchange/notices.ts';
import type { OutlierSettings } from './outlier-settings.ts';

export interface EjectionOptions {
  readonly timers: EndpointTimers;
  /** The time is over, or another worker ended it. */
  readonly returned: () => void;
}

export class Ejection {
  readonly #options: EjectionOptions;
  readonly #timer = new Timer(() => this.end());
  #cause: EjectionCause | null = null;
  #since = 0;
  #returnedAt = 0;
  /** The ejections that count for the length of the next one. */
  #times = 0;
  /** Of the last one, milliseconds. */
  #length = 0;

  constructor(options: EjectionOptions) {
    this.#options = options;
  }

  /** Null: the endpoint is not ejected. */
  get cause(): EjectionCause | null {
    return this.#cause;
  }

  /** performance.now() of the start. */
  get since(): number {
    return this.#since;
  }

  get times(): number {
    return this.#times;
  }

  /** Ejects the endpoint. Returns for how long, milliseconds. */
  start(cause: EjectionCause, { baseEjectionTime, maxEjectionTime }: OutlierSettings): number {
    const times = this.#remembered() + 1;
    const length = Math.min(Math.max(baseEjectionTime, maxEjectionTime), baseEjectionTime * times);
    this.adopt(cause, times, length);
    return length;
  }

  /** Ejects the endpoint as another worker has. */
  adopt(cause: EjectionCause, times: number, length: number): void {
    this.#cause = cause;
    this.#times = times;
    this.#length = length;
    this.#since = performance.now();
    this.#options.timers.arm(this.#timer, length);
  }

  /** The endpoint returns. */
  end(): void {
    if (this.#cause === null) return;
    this.stop();
    this.#cause = null;
    this.#returnedAt = performance.now();
    this.#options.returned();
  }

  /** The endpoint is gone. */
  stop(): void {
    this.#options.timers.disarm(this.#timer);
  }

  /** Each good time as long as the last ejection makes one ejection forgotten. */
  #remembered(): number {
    if (this.#times === 0) return 0;
    const forgotten = Math.floor((performance.now() - this.#returnedAt) / Math.max(1, this.#length));
    return Math.max(0, this.#times - forgotten);
  }
}
