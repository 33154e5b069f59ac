// The types of channels: each has one way to send, with the entries of its Secrets.
import type { ChannelType } from '#api/k8s/notification-channel.ts';
import { parseDuration } from '#lib/duration.ts';
import type { Result } from '#lib/result.ts';
import type { WantedChannel } from '../../watch/alerts.ts';
import type { Notification } from '../notification.ts';
import { RESEND_MS, sendAlertmanager } from './alertmanager.ts';
import { sendEmail } from './email.ts';
import { sendPagerDuty } from './pager-duty.ts';
import type { Reach } from './post.ts';
import { sendSlack } from './slack.ts';
import { sendWebhook } from './webhook.ts';

/** How a channel groups and repeats. Milliseconds; `repeat` 0: never. */
export interface Grouping {
  readonly by: readonly string[];
  readonly wait: number;
  readonly interval: number;
  readonly repeat: number;
}

/** A channel that can send. */
export interface Channel {
  /** `<namespace>/<name>`. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly type: ChannelType;
  readonly spec: WantedChannel['spec'];
  readonly grouping: Grouping;
  readonly send: (notification: Notification, reach: Reach) => Promise<Result<null>>;
}

/** The channel of a valid object. Throws for one without a type, which is a bug. */
export function channelOf({ namespace, name, spec, secrets }: WantedChannel): Channel {
  const id = `${namespace}/${name}`;
  const way = wayOf(spec, secrets);
  if (way === null) throw new Error(`NotificationChannel/${id} was found valid and has no type`);
  return { id, namespace, name, spec, ...way, grouping: groupingOf(spec) };
}

function wayOf(spec: WantedChannel['spec'], secrets: WantedChannel['secrets']): Pick<Channel, 'type' | 'send'> | null {
  const { webhook, slack, email, pagerDuty, alertmanager } = spec;
  const secret = (field: string): string => secrets[field] ?? '';
  const ca = secret('caCertificateRef');
  if (webhook !== undefined) {
    const settings = { url: webhook.url ?? secret('webhook.urlFrom'), token: secret('webhook.tokenFrom'), ca };
    return { type: 'webhook', send: (notification, reach) => sendWebhook(settings, notification, reach) };
  }
  if (slack !== undefined) {
    const settings = { url: secret('slack.urlFrom'), ca, channel: slack.channel ?? '' };
    return { type: 'slack', send: (notification, reach) => sendSlack(settings, notification, reach) };
  }
  if (email !== undefined) {
    const access = { password: secret('email.passwordFrom'), ca };
    return { type: 'email', send: (notification, reach) => sendEmail(email, access, notification, reach) };
  }
  if (pagerDuty !== undefined) {
    const settings = { url: pagerDuty.url, ca, routingKey: secret('pagerDuty.routingKeyFrom') };
    return { type: 'pagerDuty', send: (notification, reach) => sendPagerDuty(settings, notification, reach) };
  }
  if (alertmanager === undefined) return null;
  const settings = { urls: alertmanager.urls, token: secret('alertmanager.tokenFrom'), ca };
  return { type: 'alertmanager', send: (notification, reach) => sendAlertmanager(settings, notification, reach) };
}

/** Alertmanager groups itself, and must get all alerts again and again. */
function groupingOf({ alertmanager, groupBy, groupWait, groupInterval, repeatInterval }: WantedChannel['spec']): Grouping {
  if (alertmanager !== undefined) return { by: [], wait: 0, interval: 0, repeat: RESEND_MS };
  const [wait, interval, repeat] = [groupWait, groupInterval, repeatInterval].map(millisecondsOf) as [number, number, number];
  return { by: groupBy, wait, interval, repeat };
}

function millisecondsOf(duration: string): number {
  const parsed = parseDuration(duration);
  return parsed.ok ? parsed.value : 0;
}
