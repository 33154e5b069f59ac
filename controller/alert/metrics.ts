// The counts of evaluations and notifications, for metrics.
import { CHANNEL_TYPES, type ChannelType } from '#api/k8s/notification-channel.ts';
import { Histogram } from '#lib/histogram.ts';
import type { MetricFamily, Sample } from '#lib/metric.ts';
import { ALERT_STATES, type Alert } from './alert.ts';

const RESULTS = ['delivered', 'failed'] as const;
const SECONDS = 'weir_alert_evaluation_seconds';

/** Notifications by type of channel and result. */
export class NotificationCounts {
  readonly #counts = new Map<string, number>();

  sent(type: ChannelType, result: (typeof RESULTS)[number]): void {
    this.#counts.set(`${type} ${result}`, (this.#counts.get(`${type} ${result}`) ?? 0) + 1);
  }

  samples(): readonly Sample[] {
    return CHANNEL_TYPES.flatMap((type) =>
      RESULTS.map((result) => ({ labels: { type, result }, value: this.#counts.get(`${type} ${result}`) ?? 0 })),
    );
  }
}

/** Evaluations of rules. */
export class EvaluationCounts {
  readonly time = new Histogram();
  evaluated = 0;
  failed = 0;
}

/** What the families read at each scrape. */
export interface AlertSources {
  readonly alerts: () => Iterable<Alert>;
  readonly silences: () => number;
  readonly rules: () => number;
  readonly evaluations: EvaluationCounts;
  readonly notifications: NotificationCounts;
}

/** The metrics of alerts. Only the leader has alerts. */
export function alertFamilies({ alerts, silences, rules, evaluations, notifications }: AlertSources): readonly MetricFamily[] {
  return [
    { name: 'weir_alerts', type: 'gauge', help: 'Alerts by state and severity', read: () => alertSamples([...alerts()]) },
    {
      name: 'weir_alert_rules',
      type: 'gauge',
      help: 'Alert rules that this replica evaluates',
      read: () => [{ labels: {}, value: rules() }],
    },
    { name: 'weir_alert_silences', type: 'gauge', help: 'Silences in force', read: () => [{ labels: {}, value: silences() }] },
    {
      name: 'weir_alert_evaluations_total',
      type: 'counter',
      help: 'Evaluations of alert rules, by result',
      read: () => [
        { labels: { result: 'done' }, value: evaluations.evaluated },
        { labels: { result: 'failed' }, value: evaluations.failed },
      ],
    },
    {
      name: SECONDS,
      type: 'histogram',
      help: 'Time of the evaluations of all rules together',
      read: () => evaluations.time.samples(SECONDS, {}),
    },
    {
      name: 'weir_alert_notifications_total',
      type: 'counter',
      help: 'Attempts to deliver notifications, by type of channel and result',
      read: () => notifications.samples(),
    },
  ];
}

function alertSamples(alerts: readonly Alert[]): readonly Sample[] {
  return ['critical', 'warning', 'info'].flatMap((severity) =>
    ALERT_STATES.map((state) => ({
      labels: { state, severity },
      value: alerts.filter((alert) => alert.state === state && alert.labels['severity'] === severity).length,
    })),
  );
}
