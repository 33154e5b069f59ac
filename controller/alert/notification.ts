// A notification: the alerts of a group as a channel gets them, whatever its type.
import { createHash } from 'node:crypto';
import type { Alert } from './alert.ts';
import type { Rule } from './rule.ts';

/** An alert in a notification. */
export interface NotifiedAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly summary: string;
  readonly description: string;
  /** '' without one. */
  readonly runbook: string;
  readonly value: number;
  readonly fingerprint: string;
  /** Milliseconds since the epoch; `endsAt` is 0 while it fires. */
  readonly startsAt: number;
  readonly endsAt: number;
}

/** A group of alerts for a channel. */
export interface Notification {
  /** `<namespace>/<name>` of the channel. */
  readonly channel: string;
  /** The values of the labels of the group, as JSON. */
  readonly group: string;
  readonly groupLabels: Readonly<Record<string, string>>;
  readonly status: 'firing' | 'resolved';
  /** The firing ones first, the most urgent first. */
  readonly alerts: readonly NotifiedAlert[];
  /** Alerts that are left out, since a notification has a limit. */
  readonly more: number;
  /** Equal if the same notification is sent again because its answer was lost, so that a receiver knows it. */
  readonly id: string;
}

/** Alerts in a notification. */
const MAX_NOTIFIED = 100;
const URGENCY: Readonly<Record<string, number>> = { critical: 0, warning: 1, info: 2 };

/** The parts of a notification. `before`: when the channel was told of the group last; 0 if never. */
export interface NotificationParts extends Pick<Notification, 'channel' | 'group' | 'groupLabels' | 'alerts'> {
  readonly before: number;
}

/** The notification of alerts. */
export function notificationOf({ channel, group, groupLabels, alerts, before }: NotificationParts): Notification {
  const sorted = alerts.toSorted((one, other) => rankOf(one) - rankOf(other) || one.startsAt - other.startsAt);
  const status = sorted.some((alert) => alert.status === 'firing') ? 'firing' : 'resolved';
  const contents = alerts.map(({ fingerprint, status: own, startsAt }) => `${fingerprint} ${own} ${startsAt}`).toSorted();
  const id = createHash('sha256')
    .update(JSON.stringify([channel, group, contents, before]))
    .digest('hex')
    .slice(0, 32);
  const shown = sorted.slice(0, MAX_NOTIFIED);
  return { channel, group, groupLabels, status, alerts: shown, more: sorted.length - shown.length, id };
}

function rankOf({ status, labels }: NotifiedAlert): number {
  return (status === 'firing' ? 0 : 10) + (URGENCY[labels['severity'] ?? ''] ?? 3);
}

/** An alert as channels get it. */
export function notified(alert: Alert, rule: Pick<Rule, 'spec'> | undefined): NotifiedAlert {
  const { labels, summary, description, value, fingerprint, firedAt, resolvedAt, state } = alert;
  return {
    status: state === 'resolved' ? 'resolved' : 'firing',
    ...{ labels, summary, description, runbook: rule?.spec.runbook ?? '', value, fingerprint, startsAt: firedAt, endsAt: resolvedAt },
  };
}

/** The most urgent severity in a notification. */
export function severityOf({ alerts }: Notification): string {
  const [first] = alerts
    .map(({ labels }) => labels['severity'] ?? '')
    .toSorted((one, other) => (URGENCY[one] ?? 3) - (URGENCY[other] ?? 3));
  return first ?? '';
}

/** One line about a notification, for subjects and titles. */
export function titleOf({ status, alerts, more, groupLabels }: Notification): string {
  const firing = alerts.filter((alert) => alert.status === 'firing').length + (status === 'firing' ? more : 0);
  const name = groupLabels['alertname'] ?? alerts[0]?.labels['alertname'] ?? 'alerts';
  const head = status === 'firing' ? `[FIRING:${firing}]` : '[RESOLVED]';
  const [only] = alerts;
  const rest = alerts.length + more === 1 && only !== undefined ? `: ${only.summary}` : '';
  return `${head} ${name}${rest}`.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').slice(0, 200);
}

/** The text of a notification, a paragraph for each alert. */
export function textOf({ alerts, more }: Notification): string {
  const paragraphs = alerts.map(({ status, labels, summary, description, runbook, startsAt, endsAt }) =>
    [
      `${status === 'firing' ? 'FIRING' : 'RESOLVED'} ${labels['severity'] ?? ''} ${labels['alertname'] ?? ''}: ${summary}`,
      ...(description === '' ? [] : [description]),
      Object.entries(labels)
        .filter(([name]) => name !== 'alertname' && name !== 'severity')
        .map(([name, value]) => `${name}=${value}`)
        .join(', '),
      `since ${new Date(startsAt).toISOString()}${endsAt === 0 ? '' : ` until ${new Date(endsAt).toISOString()}`}`,
      ...(runbook === '' ? [] : [runbook]),
    ]
      .filter((line) => line !== '')
      .join('\n'),
  );
  return [...paragraphs, ...(more > 0 ? [`and ${more} more; weir alerts list shows them`] : [])].join('\n\n');
}
