// Sheds load: an overloaded worker refuses requests before it works for them, the least important first, so that the rest is answered in
// time. The share of refused requests grows with the severity of the overload; a step from none to all would swing.
import { ERRORS, withDetail } from '../exchange/errors.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Shedder, SheddingStage } from '../exchange/shedder.ts';
import { PRIORITY_NAMES, priorityOf } from '../exchange/priority.ts';
import { MAX_SEVERITY } from './signal.ts';
import type { Signal, SignalName } from './signal.ts';

/** Several times within the patience of a client. */
const INTERVAL_MS = 50;
/** New connections are refused from here, and accepted again below the second value. */
const REFUSE_AT = 3;
const ACCEPT_BELOW = 2.5;
/** An episode of refusals ends after this time without one, so that the log does not flicker. */
const CALM_MS = 5_000;

const DETAILS: Readonly<Record<SignalName, string>> = { loop_delay: 'event loop', memory: 'memory', cpu: 'CPU' };

/** Gets the first refusal of an episode of overload, and its end as null. */
export type OverloadListener = (cause: SignalName | null, severity: number) => void;

export class Shedding implements Shedder {
  active = false;
  readonly #signals: readonly Signal[];
  readonly #errors: ReadonlyMap<SignalName, ExchangeError>;
  readonly #changed: OverloadListener;
  /** Refusals by stage, cause and priority; connections have no priority. */
  readonly #counts = new Map<string, number>();
  readonly #timer: NodeJS.Timeout | null;
  #cause: SignalName = 'loop_delay';
  #severity = 0;
  #refusesConnections = false;
  /** performance.now() at the last refusal; 0 outside of an episode. */
  #refusedAt = 0;

  constructor(signals: readonly Signal[], changed: OverloadListener = () => undefined) {
    this.#signals = signals;
    this.#changed = changed;
    this.#errors = new Map(signals.map(({ name }) => [name, withDetail(ERRORS.overloaded, DETAILS[name])]));
    this.#timer = signals.length === 0 ? null : setInterval(() => this.#sample(), INTERVAL_MS).unref();
  }

  /** The severity of each signal, for metrics. */
  get severities(): ReadonlyMap<SignalName, number> {
    return new Map(this.#signals.map(({ name, severity }) => [name, severity]));
  }

  /** Refusals by `stage/cause/priority`. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  refusal(exchange: Exchange, stage: SheddingStage): ExchangeError | null {
    const priority = priorityOf(exchange);
    // 0 to 1 between the severities 1 and 2 for sheddable requests, 2 and 3 for default ones, 3 and 4 for critical ones.
    const share = this.#severity - (PRIORITY_NAMES.length - priority);
    if (share <= 0 || Math.random() >= share) return null;
    this.#count(stage, PRIORITY_NAMES[priority] as string);
    return this.#errors.get(this.#cause) ?? ERRORS.overloaded;
  }

  refusesConnection(): boolean {
    if (this.#refusesConnections) this.#count('accept', 'none');
    return this.#refusesConnections;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  #sample(): void {
    const now = performance.now();
    let worst: Signal | null = null;
    for (const signal of this.#signals) {
      signal.sample(now);
      if (worst === null || signal.severity > worst.severity) worst = signal;
    }
    if (worst !== null) this.#take(worst.name, Math.min(MAX_SEVERITY, worst.severity));
    if (this.#refusedAt === 0 || now - this.#refusedAt < CALM_MS) return;
    this.#refusedAt = 0;
    this.#changed(null, this.#severity);
  }

  #take(cause: SignalName, severity: number): void {
    this.#cause = cause;
    this.#severity = severity;
    this.active = severity > 1;
    if (severity >= REFUSE_AT) this.#refusesConnections = true;
    else if (severity < ACCEPT_BELOW) this.#refusesConnections = false;
  }

  #count(stage: SheddingStage, priority: string): void {
    const key = `${stage}/${this.#cause}/${priority}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    const isFirst = this.#refusedAt === 0;
    this.#refusedAt = performance.now();
    if (isFirst) this.#changed(this.#cause, this.#severity);
  }
}
