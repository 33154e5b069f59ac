// Watches one target: a probe, a pause, the next probe.
//
//   paused ──pause over──> waiting for a slot ──> probing ──outcome──> paused
import { Timer } from '#lib/timer-wheel.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { ClientIdentity } from '../exchange/plan.ts';
import { tlsPresenting } from '../exchange/presenting.ts';
import type { Health, ProbeTarget } from '../exchange/probe-target.ts';
import type { ProbeFailure, ProbeOutcome } from './outcome.ts';
import { startProbe } from './probe.ts';
import type { CancelProbe } from './probe.ts';
import type { Slots, Waiting } from './slots.ts';
import { Verdict } from './verdict.ts';

/** Pauses differ by up to this part of the interval in both directions, so that probes of many targets and proxies spread. */
const JITTER = 0.1;

export interface MonitorOptions {
  readonly wheel: TimerWheel;
  readonly slots: Slots;
  /** In [0, 1). */
  readonly random: () => number;
  /** The certificate of a Secret (key); null if there is none. */
  readonly certificateOf: (secret: string) => ClientIdentity | null;
  /** A probe ended. `before`: the health until then. */
  readonly probed: (monitor: Monitor, outcome: ProbeOutcome, before: Health | null) => void;
}

export class Monitor {
  readonly target: ProbeTarget;
  /** The last failed probe; null if the last probe passed, or before the first. */
  failure: ProbeFailure | null = null;
  readonly #options: MonitorOptions;
  readonly #verdict: Verdict;
  readonly #pause = new Timer(() => this.#due());
  #waiting: Waiting | null = null;
  #cancel: CancelProbe | null = null;

  /** `delay`: before the first probe, milliseconds. */
  constructor(target: ProbeTarget, delay: number, options: MonitorOptions) {
    this.target = target;
    this.#options = options;
    this.#verdict = new Verdict(target.check.pace);
    if (delay > 0) options.wheel.arm(this.#pause, delay);
    else this.#due();
  }

  /** Null before the end of the first probe. */
  get health(): Health | null {
    return this.#verdict.health;
  }

  /** Ends a running probe without an outcome. */
  stop(): void {
    const { wheel, slots } = this.#options;
    wheel.disarm(this.#pause);
    if (this.#waiting !== null) this.#waiting.start = null;
    if (this.#cancel === null) return;
    this.#cancel();
    this.#cancel = null;
    slots.release();
  }

  #due(): void {
    this.#waiting = this.#options.slots.take(() => this.#start());
  }

  #start(): void {
    let ended = false;
    const cancel = startProbe(this.#presenting(), this.#options.wheel, (outcome) => {
      ended = true;
      this.#ended(outcome);
    });
    if (!ended) this.#cancel = cancel;
  }

  /** The target with the certificate that its Secret has now. */
  #presenting(): ProbeTarget {
    const { tls, clientCertificate } = this.target;
    const identity = clientCertificate === null ? null : this.#options.certificateOf(clientCertificate);
    return tls === null || identity === null ? this.target : { ...this.target, tls: tlsPresenting(tls, identity) };
  }

  #ended(outcome: ProbeOutcome): void {
    const { wheel, slots, probed, random } = this.#options;
    this.#cancel = null;
    this.failure = outcome;
    const before = this.health;
    this.#verdict.take(outcome === null);
    const { interval, unhealthyInterval } = this.target.check.pace;
    const pause = this.health === 'healthy' ? interval : unhealthyInterval;
    wheel.arm(this.#pause, pause * (1 - JITTER + 2 * JITTER * random()));
    probed(this, outcome, before);
    slots.release();
  }
}
