// Stalls of the event loop: a timer that is late by the limit shows that one piece of work kept it, and the notes tell which one.
import { PerformanceObserver } from 'node:perf_hooks';
import type { Log } from '../log.ts';
import type { Labels, MetricFamily } from '../metric.ts';
import { OPERATIONS, takeLongest } from './occupation.ts';
import type { Occupation } from './occupation.ts';

/**
 * The cause of most of a stall: a piece of work, `garbage_collection`, `not_running` (the process had no CPU: a limit, a busy machine, or it was
 * stopped), or `other` work.
 */
export const STALL_CAUSES = [...OPERATIONS, 'garbage_collection', 'not_running', 'other'] as const;
export type StallCause = (typeof STALL_CAUSES)[number];

/** The readings of a watch; tests replace it. */
export interface StallSources {
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** CPU time of this thread, milliseconds. */
  readonly cpu: () => number;
  readonly longest: () => Occupation | null;
}

export interface StallOptions {
  readonly log: Log;
  /** Of the metrics of this process. */
  readonly labels?: Labels | undefined;
  readonly sources?: StallSources;
  /** The delay from which on it is a stall, milliseconds, to 100 ms exactly; 0: none is. A second by default. */
  readonly stallMs?: number;
}

/** The delay from which on it is a stall, by default. */
export const DEFAULT_STALL_MS = 1_000;
const TICK_MS = 100;
/** No more than one line in this time. */
const LINE_MS = 60_000;
/** The part of a stall from which on something is its cause. */
const MOST = 0.5;

const SOURCES: StallSources = {
  now: () => performance.now(),
  cpu: () => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1_000;
  },
  longest: takeLongest,
};

export class StallWatch {
  readonly #log: Log;
  readonly #labels: Labels;
  readonly #sources: StallSources;
  readonly #stallMs: number;
  readonly #counts = new Map(STALL_CAUSES.map((cause) => [cause, { stalls: 0, seconds: 0 }]));
  readonly #collections = new PerformanceObserver(() => undefined);
  readonly #timer: NodeJS.Timeout;
  #last: number;
  #cpu: number;
  #lineAt = Number.NEGATIVE_INFINITY;
  /** Stalls without a line since the last one. */
  #untold = 0;

  constructor({ log, labels = {}, sources = SOURCES, stallMs = DEFAULT_STALL_MS }: StallOptions) {
    this.#log = log;
    this.#labels = labels;
    this.#sources = sources;
    this.#stallMs = stallMs === 0 ? Number.POSITIVE_INFINITY : stallMs;
    this.#last = sources.now();
    this.#cpu = sources.cpu();
    this.#collections.observe({ entryTypes: ['gc'] });
    this.#timer = setInterval(() => this.check(), TICK_MS).unref();
  }

  /** Looks how late it is. */
  check(): void {
    const { now, cpu, longest } = this.#sources;
    const [at, used] = [now(), cpu()];
    const ms = at - this.#last - TICK_MS;
    const stall = { ms, cpuMs: used - this.#cpu, occupation: longest(), collectionMs: this.#collectionMs() };
    this.#last = at;
    this.#cpu = used;
    if (ms >= this.#stallMs) this.#stalled(stall, at);
  }

  families(): readonly MetricFamily[] {
    const read = (value: 'stalls' | 'seconds') => () =>
      Array.from(this.#counts, ([cause, counts]) => ({ labels: { ...this.#labels, cause }, value: counts[value] }));
    return [
      {
        name: 'weir_event_loop_stalls_total',
        type: 'counter',
        help: 'Times that the event loop stood still for longer than the limit, by cause',
        read: read('stalls'),
      },
      { name: 'weir_event_loop_stall_seconds_total', type: 'counter', help: 'Time of these stalls, by cause', read: read('seconds') },
    ];
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#collections.disconnect();
  }

  #stalled(stall: Stall, at: number): void {
    const cause = causeOf(stall);
    const counts = this.#counts.get(cause);
    if (counts !== undefined) {
      counts.stalls++;
      counts.seconds += stall.ms / 1_000;
    }
    if (at - this.#lineAt < LINE_MS) return void this.#untold++;
    const { ms, cpuMs, occupation, collectionMs } = stall;
    const ran = occupation === null ? {} : { operation: occupation.operation, operationMs: Math.round(occupation.ms) };
    const times = { durationMs: Math.round(ms), cpuMs: Math.round(cpuMs), garbageCollectionMs: Math.round(collectionMs) };
    this.#log.warn(
      { event: 'event_loop_stalled', ...this.#labels, cause, ...times, ...ran, untold: this.#untold },
      'the event loop stood still: no request was served meanwhile',
    );
    this.#lineAt = at;
    this.#untold = 0;
  }

  /** Since the last call. */
  #collectionMs(): number {
    return this.#collections.takeRecords().reduce((sum, { duration }) => sum + duration, 0);
  }
}

interface Stall {
  readonly ms: number;
  readonly cpuMs: number;
  readonly occupation: Occupation | null;
  readonly collectionMs: number;
}

function causeOf({ ms, cpuMs, occupation, collectionMs }: Stall): StallCause {
  const most = ms * MOST;
  if (cpuMs < most) return 'not_running';
  if (occupation !== null && occupation.ms >= most) return occupation.operation;
  return collectionMs >= most ? 'garbage_collection' : 'other';
}
