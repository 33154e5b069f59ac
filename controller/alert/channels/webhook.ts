// Webhooks, in the form of Alertmanager (version 4), which many programs take.
// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
import type { Result } from '#lib/result.ts';
import type { Notification } from '../notification.ts';
import { post, type Reach } from './post.ts';

export function sendWebhook(
  { url, token, ca }: { readonly url: string; readonly token: string; readonly ca: string },
  notification: Notification,
  reach: Reach,
): Promise<Result<null>> {
  // A receiver may have got a notification whose answer was lost.
  const headers = { 'idempotency-key': `"${notification.id}"` };
  return post({ url, token, ca, headers, body: webhookBody(notification) }, reach);
}

function webhookBody({ channel, group, groupLabels, status, alerts, more }: Notification): object {
  const [first, ...others] = alerts;
  const common = Object.entries(first?.labels ?? {}).filter(([name, value]) => others.every(({ labels }) => labels[name] === value));
  return {
    version: '4',
    groupKey: `{}:${group}`,
    truncatedAlerts: more,
    status,
    receiver: channel,
    groupLabels,
    commonLabels: Object.fromEntries(common),
    commonAnnotations: {},
    externalURL: '',
    alerts: alerts.map((alert) => ({
      status: alert.status,
      labels: alert.labels,
      annotations: annotationsOf(alert),
      startsAt: new Date(alert.startsAt).toISOString(),
      endsAt: alert.endsAt === 0 ? '0001-01-01T00:00:00Z' : new Date(alert.endsAt).toISOString(),
      generatorURL: '',
      fingerprint: alert.fingerprint,
    })),
  };
}

/** The annotations of an alert, with those that are empty left out. */
export function annotationsOf({ summary, description, runbook, value }: Notification['alerts'][number]): Readonly<Record<string, string>> {
  return {
    summary,
    ...(description === '' ? {} : { description }),
    ...(runbook === '' ? {} : { runbook_url: runbook }),
    value: String(value),
  };
}
