// An alert that the admin program tells: it goes to channels at once, by whichever controller is asked, and is not among the alerts of rules.
import { ADMIN_ALERTS, type AdminAlertLabels, type AdminAlertName } from '#api/alert/admin-alerts.ts';
import type { KeptSilence } from '../store/kept-alerts.ts';
import { fingerprintOf } from './alert.ts';
import type { Channel } from './channels/index.ts';
import type { Reach } from './channels/post.ts';
import { meets } from './matchers.ts';
import { notificationOf, type NotifiedAlert } from './notification.ts';

/** The alert. Times are milliseconds since the epoch; `ends` 0: it has not ended. */
export interface ToldAlert {
  readonly alert: AdminAlertName;
  readonly labels: AdminAlertLabels;
  readonly summary: string;
  readonly starts: number;
  readonly ends: number;
}

/** What became of it at a channel. `reason`: why it is not delivered; ''. */
export interface Delivery {
  readonly channel: string;
  readonly delivered: boolean;
  readonly reason: string;
}

/** Sends it to each of the channels that wants it, unless it is silenced; the end of an alert passes silences. Never rejects. */
export async function deliver(
  told: ToldAlert,
  { channels, silences, namespace, reach }: Delivering,
): Promise<{ readonly silenced: boolean; readonly deliveries: readonly Delivery[] }> {
  const alert = notifiedOf(told, namespace);
  const isFiring = told.ends === 0;
  if (isFiring && silences.some(({ matchers }) => meets(alert.labels, matchers))) return { silenced: true, deliveries: [] };
  const severity = ADMIN_ALERTS[told.alert];
  const wanting = channels.filter(
    ({ spec: { severities, sendResolved } }) => (severities.length === 0 || severities.includes(severity)) && (isFiring || sendResolved),
  );
  const deliveries = wanting.map(async (channel) => {
    const sent = await channel.send(notificationIn(channel, alert), reach);
    return { channel: channel.id, delivered: sent.ok, reason: sent.ok ? '' : sent.error };
  });
  return { silenced: false, deliveries: await Promise.all(deliveries) };
}

interface Delivering {
  readonly channels: readonly Channel[];
  /** Those in force. */
  readonly silences: readonly Pick<KeptSilence, 'matchers'>[];
  readonly namespace: string;
  readonly reach: Reach;
}

function notifiedOf({ alert, labels: own, summary, starts, ends }: ToldAlert, namespace: string): NotifiedAlert {
  const labels = { alertname: alert, severity: ADMIN_ALERTS[alert], namespace, ...own };
  return {
    ...{ status: ends === 0 ? 'firing' : 'resolved', labels, summary, description: '', runbook: '', value: 1 },
    ...{ fingerprint: fingerprintOf(labels), startsAt: starts, endsAt: ends },
  };
}

/** Each alert is a group of its own, so that PagerDuty has an incident for each. The id is the same if it is sent again. */
function notificationIn({ id: channel }: Channel, alert: NotifiedAlert) {
  return notificationOf({ channel, group: JSON.stringify(alert.labels), groupLabels: alert.labels, alerts: [alert], before: 0 });
}
