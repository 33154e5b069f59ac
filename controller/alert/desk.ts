// What operators ask about alerts and tell: lists, silences, tests of channels, exports. Any replica answers from the store.
import { randomUUID } from 'node:crypto';
import type { AlertSettings } from '#lib/alert-settings.ts';
import { ok, type Result } from '#lib/result.ts';
import type { KeptAlerts, KeptSilence, SilenceMatcher } from '../store/kept-alerts.ts';
import type { Alert, AlertStateName } from './alert.ts';
import type { Evaluator } from './evaluator.ts';
import { inForce } from './evaluator.ts';
import { isFor } from './groups.ts';
import { matcherText, meets } from './matchers.ts';
import { STANDALONE_NAMESPACE } from './defaults.ts';
import { notificationOf } from './notification.ts';
import { prometheusRule, type ExportedRules } from './prometheus-rule.ts';
import { deliver, type Delivery, type ToldAlert } from './told-alert.ts';

/** An alert as operators see it. Times are ISO 8601; null: it has not come to that. */
export interface ShownAlert {
  readonly fingerprint: string;
  readonly alert: string;
  /** `<namespace>/<name>` of the rule. */
  readonly rule: string;
  readonly state: AlertStateName;
  readonly severity: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly summary: string;
  readonly description: string;
  readonly activeSince: string;
  readonly firedAt: string | null;
  readonly resolvedAt: string | null;
  /** The ids of the silences that it meets. */
  readonly silencedBy: readonly string[];
  /** `<namespace>/<name>` of the channels that get it. */
  readonly channels: readonly string[];
}

export interface ShownSilence {
  readonly id: string;
  readonly matchers: readonly string[];
  readonly author: string;
  readonly reason: string;
  readonly starts: string;
  readonly ends: string;
}

/** A rule or a channel with its trouble; '' without one. */
export interface ShownRule {
  readonly rule: string;
  readonly isDefault: boolean;
  readonly disabled: boolean;
  readonly severity: string;
  readonly firing: number;
  readonly trouble: string;
}
export interface ShownChannel {
  readonly channel: string;
  readonly type: string;
  readonly default: boolean;
  readonly trouble: string;
}

/** The answer of `GET /alerts`. */
export interface AlertList {
  readonly alerts: readonly ShownAlert[];
  readonly silences: readonly ShownSilence[];
  readonly rules: readonly ShownRule[];
  readonly channels: readonly ShownChannel[];
  /** Sentences about what the answer lacks. */
  readonly notes: readonly string[];
}

/** Ended silences are listed and kept for this time, milliseconds. */
const ENDED_MS = 24 * 3_600_000;
/** Which alerts that Weir has by default are told. */
type DefaultSettings = Pick<AlertSettings, 'defaults' | 'disabled'>;

/** The answer to an alert that the admin program tells. `withheld`: why no channel got it; ''. */
export interface Telling {
  readonly withheld: '' | 'disabled' | 'silenced';
  readonly deliveries: readonly Delivery[];
}

const ORDER: readonly string[] = ['firing', 'pending', 'resolved'];
const URGENCY: readonly string[] = ['critical', 'warning', 'info'];

export class AlertDesk {
  readonly #evaluator: Evaluator;
  readonly #kept: KeptAlerts;

  readonly #operatorNamespace: string | null;
  readonly #settings: DefaultSettings;

  /** Rules outside of `operatorNamespace` are about their own namespace only; null: all rules are about all. */
  constructor(evaluator: Evaluator, kept: KeptAlerts, operatorNamespace: string | null, settings: DefaultSettings) {
    this.#evaluator = evaluator;
    this.#kept = kept;
    this.#operatorNamespace = operatorNamespace;
    this.#settings = settings;
  }

  /** Everything about alerts. */
  async list(): Promise<AlertList> {
    const { rules, channels, states } = this.#evaluator;
    const notes: string[] = [];
    const silences = await this.#silences(notes);
    const alerts = (await this.#alerts(notes)).toSorted(byUrgency);
    const now = Date.now();
    return {
      alerts: alerts.map((alert) => this.#shown(alert, inForce(silences, now))),
      silences: silences.filter(({ ends }) => now - ends < ENDED_MS).map(shownSilence),
      rules: [...rules.values()].map(({ id, isDefault, spec: { disabled, severity } }) => {
        const { firing = 0, trouble = '' } = states.get(`AlertRule/${id}`) ?? {};
        return { rule: id, isDefault, disabled, severity, firing, trouble };
      }),
      channels: [...channels.values()].map(({ id, type, spec }) => {
        const trouble = states.get(`NotificationChannel/${id}`)?.trouble ?? '';
        return { channel: id, type, default: spec.default, trouble };
      }),
      notes,
    };
  }

  /** Keeps a silence. Resolves to it, or to the reason if there is no store. */
  async silence(
    matchers: readonly SilenceMatcher[],
    { author, reason, ms }: { readonly author: string; readonly reason: string; readonly ms: number },
  ): Promise<Result<ShownSilence>> {
    const starts = Date.now();
    const silence: KeptSilence = { id: randomUUID(), matchers, author, reason, starts, ends: starts + ms };
    const kept = await this.#kept.silence(silence, starts - ENDED_MS);
    return kept.ok ? ok(shownSilence(silence)) : kept;
  }

  /** Ends a silence. False if there is none with this id in force. */
  unsilence(id: string): Promise<Result<boolean>> {
    return this.#kept.unsilence(id, Date.now());
  }

  /** Sends a test message. The error says why it cannot be delivered; null if there is no such channel. */
  async test(channel: string): Promise<Result<null> | null> {
    const found = this.#evaluator.channels.get(channel);
    if (found === undefined) return null;
    const startsAt = Date.now();
    const labels = { alertname: 'WeirTest', severity: 'info', namespace: found.namespace };
    const summary = `This is a test of the channel ${channel}.`;
    const alert = {
      status: 'firing' as const,
      labels,
      summary,
      description: '',
      runbook: '',
      value: 0,
      fingerprint: 'test',
      startsAt,
      endsAt: 0,
    };
    const parts = { channel, group: JSON.stringify({ alertname: 'WeirTest' }), groupLabels: { alertname: 'WeirTest' } };
    const sent = await found.send(notificationOf({ ...parts, alerts: [alert], before: startsAt }), this.#evaluator.reach);
    // PagerDuty and Alertmanager would keep the test open.
    const keepsOpen = found.type === 'pagerDuty' || found.type === 'alertmanager';
    if (!sent.ok || !keepsOpen) return sent;
    const ended = { ...alert, status: 'resolved' as const, endsAt: Date.now() };
    return found.send(notificationOf({ ...parts, alerts: [ended], before: startsAt }), this.#evaluator.reach);
  }

  /** Tells an alert of the admin program to the default channels of the namespace of the controllers, or to those of them in `only`. */
  async tell(told: ToldAlert, only: readonly string[]): Promise<Telling> {
    const { defaults, disabled } = this.#settings;
    if (!defaults || disabled.includes(told.alert)) return { withheld: 'disabled', deliveries: [] };
    const namespace = this.#operatorNamespace ?? STANDALONE_NAMESPACE;
    const channels = [...this.#evaluator.channels.values()].filter(
      ({ id, namespace: own, spec }) => own === namespace && spec.default && (only.length === 0 || only.includes(id)),
    );
    const silences = inForce(await this.#silences([]), Date.now());
    const { silenced, deliveries } = await deliver(told, { channels, silences, namespace, reach: this.#evaluator.reach });
    return { withheld: silenced ? 'silenced' : '', deliveries };
  }

  /** All rules as a PrometheusRule, with those that it cannot express. */
  export(namespace: string, name: string): ExportedRules {
    return prometheusRule([...this.#evaluator.rules.values()], { namespace, name }, this.#operatorNamespace);
  }

  async #silences(notes: string[]): Promise<readonly KeptSilence[]> {
    if (!this.#kept.isKept) return [];
    const silences = await this.#kept.silences();
    if (!silences.ok) notes.push(silences.error);
    return silences.ok ? silences.value : this.#evaluator.silences;
  }

  async #alerts(notes: string[]): Promise<readonly Alert[]> {
    const own = this.#evaluator.alerts;
    if (own !== null) return own;
    if (!this.#kept.isKept) {
      notes.push('this controller does not lead, and without a store only the leader knows the alerts; ask the leader');
      return [];
    }
    const kept = await this.#kept.alerts();
    if (!kept.ok) notes.push(kept.error);
    return kept.ok ? kept.value.map((alert) => ({ ...alert, state: alert.state as AlertStateName })) : [];
  }

  #shown(alert: Alert, silences: readonly KeptSilence[]): ShownAlert {
    const { rules, channels } = this.#evaluator;
    const { fingerprint, rule, state, labels, value, summary, description, activeAt, firedAt, resolvedAt } = alert;
    return {
      ...{
        fingerprint,
        alert: labels['alertname'] ?? '',
        rule,
        state,
        severity: labels['severity'] ?? '',
        labels,
        value,
        summary,
        description,
      },
      ...{ activeSince: timeText(activeAt), firedAt: timeOrNull(firedAt), resolvedAt: timeOrNull(resolvedAt) },
      silencedBy: silences.filter(({ matchers }) => meets(labels, matchers)).map(({ id }) => id),
      channels: [...channels.values()].filter((channel) => isFor(channel, alert, rules)).map(({ id }) => id),
    };
  }
}

function byUrgency(one: Alert, other: Alert): number {
  return (
    ORDER.indexOf(one.state) - ORDER.indexOf(other.state) ||
    URGENCY.indexOf(one.labels['severity'] ?? '') - URGENCY.indexOf(other.labels['severity'] ?? '') ||
    one.activeAt - other.activeAt
  );
}

function shownSilence({ id, matchers, author, reason, starts, ends }: KeptSilence): ShownSilence {
  return { id, matchers: matchers.map(matcherText), author, reason, starts: timeText(starts), ends: timeText(ends) };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

function timeOrNull(ms: number): string | null {
  return ms === 0 ? null : timeText(ms);
}
