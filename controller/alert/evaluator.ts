// Evaluates the alert rules at an interval, if this controller leads. Compile says which rules and channels there are; the states of the
// alerts are kept in the store, so that the next leader goes on with them.
import { setTimeout as delay } from 'node:timers/promises';
import type { Faults } from '#lib/faults.ts';
import type { Log } from '#lib/log.ts';
import type { MetricFamily } from '#lib/metric.ts';
import type { KeptAlerts, KeptSilence } from '../store/kept-alerts.ts';
import { alertStateRef, type AlertState, type WantedAlerts } from '../watch/alerts.ts';
import type { Source, SourceListener, Wanted } from '../watch/event.ts';
import { ended, fingerprintOf, held, type Alert, type AlertStateName } from './alert.ts';
import { AlertBook } from './alert-book.ts';
import { channelOf, type Channel } from './channels/index.ts';
import { SEND_MS, type Reach } from './channels/post.ts';
import { evaluate, type Outcome, type Sources } from './evaluation.ts';
import { alertFamilies, EvaluationCounts, NotificationCounts } from './metrics.ts';
import { Notifier } from './notifier.ts';
import { ruleOf, type Rule } from './rule.ts';

/** Evaluations, milliseconds: the window has steps of ten seconds. */
const INTERVAL_MS = 10_000;
/** The time from a change of rules to their evaluation, milliseconds: changes often come together. */
const SOON_MS = 1_000;
/** The time after a start in which nothing ends: proxies find their controller again meanwhile. */
const SETTLE_MS = 60_000;
/** How long a new leader waits for a store that is away: alerts that come twice are better than none. */
const MAX_WAIT_MS = 60_000;

/** Milliseconds. `now`: since the epoch. */
export interface EvaluatorTimes {
  readonly intervalMs: number;
  readonly settleMs: number;
  /** Pauses between attempts to deliver. */
  readonly backoff: { readonly minimum: number; readonly maximum: number };
  readonly now: () => number;
}

const TIMES: EvaluatorTimes = {
  intervalMs: INTERVAL_MS,
  settleMs: SETTLE_MS,
  backoff: { minimum: 1_000, maximum: 300_000 },
  now: () => Date.now(),
};

export interface EvaluatorOptions {
  readonly kept: KeptAlerts;
  readonly sources: Sources;
  /** The rules that Weir has by default. */
  readonly defaults: readonly Rule[];
  /** Whether this program evaluates now. */
  readonly leads: () => boolean;
  readonly guard: Reach['guard'];
  readonly faults: Faults;
  readonly log: Log;
  /** For tests. */
  readonly times?: Partial<EvaluatorTimes>;
}

export class Evaluator implements Source {
  readonly #options: EvaluatorOptions;
  readonly #times: EvaluatorTimes;
  readonly #book: AlertBook;
  readonly #notifier: Notifier;
  readonly #stop = new AbortController();
  readonly #evaluations = new EvaluationCounts();
  readonly #notifications = new NotificationCounts();
  readonly #rules = new Map<string, Rule>();
  readonly #channels = new Map<string, Channel>();
  /** What compile wanted last, by unit, to find changes. */
  #wanted: ReadonlyMap<string, WantedAlerts> = new Map();
  readonly #told = new Map<string, AlertState>();
  #silences: readonly KeptSilence[] = [];
  #listener: SourceListener | null = null;
  /** When this program began to lead with the state of the store, milliseconds since the epoch; null while it does not. */
  #since: number | null = null;
  /** Since when a new leader waits for the store. */
  #waitsSince: number | null = null;
  #running: Promise<void> = Promise.resolve();
  #evaluating: Promise<void> = Promise.resolve();
  /** The questions to Prometheus that are under way. They take their time, and rules over the window do not wait for them. */
  #asking: Promise<void> | null = null;
  #soon: NodeJS.Timeout | null = null;

  constructor(options: EvaluatorOptions) {
    this.#options = options;
    this.#times = { ...TIMES, ...options.times };
    this.#book = new AlertBook(options.kept);
    this.#notifier = new Notifier({
      kept: options.kept,
      reach: this.reach,
      counts: this.#notifications,
      troubled: ({ id }, trouble) => {
        if (this.#channels.has(id)) this.#tellState(`NotificationChannel/${id}`, { trouble, firing: 0 });
      },
      log: options.log,
      now: this.#times.now,
      backoff: this.#times.backoff,
    });
    for (const rule of options.defaults) this.#rules.set(rule.id, rule);
  }

  get reach(): Reach {
    return { guard: this.#options.guard, signal: this.#stop.signal, timeoutMs: SEND_MS };
  }

  /** All rules, those of objects and the defaults. */
  get rules(): ReadonlyMap<string, Rule> {
    return this.#rules;
  }

  get channels(): ReadonlyMap<string, Channel> {
    return this.#channels;
  }

  /** The alerts of this program; null while it does not lead. */
  get alerts(): readonly Alert[] | null {
    return this.#since === null ? null : [...this.#book.all()];
  }

  get silences(): readonly KeptSilence[] {
    return this.#silences;
  }

  /** What became of rules and channels, by id. */
  get states(): ReadonlyMap<string, AlertState> {
    return this.#told;
  }

  get families(): readonly MetricFamily[] {
    return alertFamilies({
      alerts: () => this.#book.all(),
      silences: () => inForce(this.#silences, this.#times.now()).length,
      rules: () => (this.#since === null ? 0 : this.#rules.size),
      evaluations: this.#evaluations,
      notifications: this.#notifications,
    });
  }

  start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    listener.synced();
    this.#running = this.#run();
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    if (this.#soon !== null) clearTimeout(this.#soon);
    await this.#running;
    await this.#evaluating;
    await this.#notifier.settled();
  }

  want({ Alerts }: Pick<Wanted, 'Alerts'>): null {
    const before = this.#wanted;
    this.#wanted = new Map(Alerts);
    for (const [unit, wanted] of before) if (!Alerts.has(unit)) this.#forget(wanted);
    for (const [unit, wanted] of Alerts) if (before.get(unit) !== wanted) this.#take(wanted);
    this.#evaluateSoon();
    return null;
  }

  /** Resolves when no notification is under way. */
  settled(): Promise<void> {
    return this.#notifier.settled();
  }

  /** A new rule is evaluated at once. */
  #evaluateSoon(): void {
    if (this.#listener !== null && !this.#stop.signal.aborted) this.#soon ??= setTimeout(() => void this.evaluate(), SOON_MS).unref();
  }

  #take(wanted: WantedAlerts): void {
    const id = `${wanted.namespace}/${wanted.name}`;
    this.#options.faults.guard('alerts', () => {
      if (wanted.kind === 'NotificationChannel') this.#channels.set(id, channelOf(wanted));
      else this.#rules.set(id, ruleOf(wanted));
    });
  }

  #forget({ kind, namespace, name }: WantedAlerts): void {
    const id = `${namespace}/${name}`;
    (kind === 'AlertRule' ? this.#rules : this.#channels).delete(id);
    this.#told.delete(`${kind}/${id}`);
    this.#listener?.changed([{ type: 'alert state', ref: alertStateRef(`${kind}/${id}`), state: null }]);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (;;) {
      await delay(this.#times.intervalMs, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      void this.#ask();
      await this.#observe();
    }
  }

  /** Evaluates all rules once, after an evaluation that is under way. Never rejects. */
  async evaluate(): Promise<void> {
    await this.#observe();
    await this.#ask();
  }

  /** Evaluates the rules over the window. */
  #observe(): Promise<void> {
    if (this.#soon !== null) clearTimeout(this.#soon);
    this.#soon = null;
    return this.#inTurn(() => this.#evaluateNow(this.#enabled().filter(({ condition }) => condition !== null)));
  }

  /** Asks Prometheus for the other rules, unless it is being asked. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askNow().finally(() => (this.#asking = null));
    return this.#asking;
  }

  async #askNow(): Promise<void> {
    const asking = this.#enabled().filter(({ condition }) => condition === null);
    if (asking.length === 0 || !this.#options.leads()) return;
    const outcomes = await evaluate(asking, this.#options.sources);
    // A rule may have changed meanwhile.
    await this.#inTurn(() => this.#adoptNow(outcomes.filter(([rule]) => this.#rules.get(rule.id) === rule)));
  }

  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#evaluating = this.#evaluating.then(step).catch((error: unknown) => this.#options.faults.report('alerts', error));
    return this.#evaluating;
  }

  #enabled(): readonly Rule[] {
    return [...this.#rules.values()].filter(({ spec }) => !spec.disabled);
  }

  async #evaluateNow(rules: readonly Rule[]): Promise<void> {
    const begun = performance.now();
    if (!(await this.#leads())) return;
    await this.#adoptNow(await evaluate(rules, this.#options.sources));
    this.#evaluations.time.observe(performance.now() - begun);
  }

  /** Takes outcomes, if this program still leads with the state of the store. */
  async #adoptNow(outcomes: Awaited<ReturnType<typeof evaluate>>): Promise<void> {
    if (this.#since === null || !this.#options.leads() || this.#stop.signal.aborted) return;
    await this.#adopt(outcomes, this.#times.now());
  }

  /** Whether this program leads with the state of the store. A store that is away delays a new leader: it could tell alerts twice. */
  async #leads(): Promise<boolean> {
    const { leads, kept, log } = this.#options;
    if (!leads()) {
      if (this.#since !== null) this.#book.clear();
      this.#since = null;
      this.#waitsSince = null;
      return false;
    }
    if (!kept.isKept) {
      this.#since ??= this.#times.now();
      return true;
    }
    if (this.#since === null) return this.#restore();
    const silences = await kept.silences();
    if (silences.ok) this.#silences = silences.value;
    else log.debug({ reason: silences.error }, 'silences cannot be read; the last ones stay in force');
    return true;
  }

  async #restore(): Promise<boolean> {
    const { kept, log } = this.#options;
    const state = await kept.load();
    const now = this.#times.now();
    if (!state.ok) {
      this.#waitsSince ??= now;
      if (now - this.#waitsSince < MAX_WAIT_MS) {
        log.warn({ reason: state.error }, 'alerts are not evaluated yet, because their states cannot be read');
        return false;
      }
      log.warn({ reason: state.error }, 'alerts are evaluated without their former states, so some may be told twice');
      this.#since = now;
      return true;
    }
    this.#book.restore(
      state.value.alerts.map((alert) => ({ ...alert, state: alert.state as AlertStateName })),
      now,
    );
    this.#notifier.restore(state.value.notifications);
    this.#silences = state.value.silences;
    this.#since = now;
    this.#waitsSince = null;
    return true;
  }

  async #adopt(outcomes: Awaited<ReturnType<typeof evaluate>>, now: number): Promise<void> {
    const { log } = this.#options;
    const isSettled = now - (this.#since ?? now) >= this.#times.settleMs;
    this.#book.excess = 0;
    for (const [rule, outcome] of outcomes) {
      if (outcome.ok) this.#adoptOutcome(outcome.value, isSettled, now);
      this.#evaluations[outcome.ok ? 'evaluated' : 'failed']++;
      this.#tellRule(rule, outcome.ok ? '' : outcome.error);
    }
    if (isSettled) this.#endOthers(new Set(this.#enabled().map(({ id }) => id)), now);
    this.#book.prune(now);
    if (this.#book.excess > 0) log.warn({ alerts: this.#book.excess }, 'there are more alerts than Weir keeps; make rules narrower');
    const problem = await this.#book.flush();
    if (problem !== '') log.warn({ reason: problem }, 'states of alerts cannot be kept in the store; they are written later');
    this.#notifier.tell(
      {
        channels: [...this.#channels.values()],
        alerts: [...this.#book.all()],
        rules: this.#rules,
        silences: inForce(this.#silences, now).map(({ matchers }) => matchers),
      },
      now,
    );
  }

  /** Ends the alerts of rules that are gone or disabled. */
  #endOthers(active: ReadonlySet<string>, now: number): void {
    for (const alert of [...this.#book.all()]) if (!active.has(alert.rule)) this.#end(alert, { forMs: 0, keepMs: 0 }, now);
  }

  #adoptOutcome({ rule, findings, isSure }: Outcome, isSettled: boolean, now: number): void {
    const holding = new Set<string>();
    for (const finding of findings) {
      const fingerprint = fingerprintOf(finding.labels);
      holding.add(fingerprint);
      this.#book.put(held(rule.id, this.#book.get(rule.id, fingerprint), finding, rule, now), now);
    }
    if (!isSure || !isSettled) return;
    for (const alert of this.#book.ofRule(rule.id)) if (!holding.has(alert.fingerprint)) this.#end(alert, rule, now);
  }

  #end(alert: Alert, times: Pick<Rule, 'forMs' | 'keepMs'>, now: number): void {
    const next = ended(alert, this.#book.lastHeld(alert), times, now);
    if (next === null) this.#book.forget(alert);
    else if (next !== alert) this.#book.put(next, null);
  }

  #tellRule({ id, isDefault }: Rule, trouble: string): void {
    const firing = this.#book.ofRule(id).filter(({ state }) => state === 'firing').length;
    const owner = `AlertRule/${id}`;
    const before = this.#told.get(owner);
    if (trouble !== '' && before?.trouble !== trouble)
      this.#options.log.warn({ rule: id, reason: trouble }, 'an alert rule cannot be evaluated');
    if (isDefault) this.#told.set(owner, { trouble, firing });
    else if (this.#rules.has(id)) this.#tellState(owner, { trouble, firing });
  }

  /** Tells the status of a rule or a channel if it has changed. */
  #tellState(owner: string, state: AlertState): void {
    const before = this.#told.get(owner);
    if (before?.trouble === state.trouble && before.firing === state.firing) return;
    this.#told.set(owner, state);
    this.#listener?.changed([{ type: 'alert state', ref: alertStateRef(owner), state }]);
  }
}

/** The silences that have begun and not ended. */
export function inForce(silences: readonly KeptSilence[], now: number): readonly KeptSilence[] {
  return silences.filter(({ starts, ends }) => starts <= now && now < ends);
}
