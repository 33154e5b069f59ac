// Incidents of PagerDuty: one for each group of alerts, which ends with the last of them. Events API v2.
// https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
import { createHash } from 'node:crypto';
import type { Result } from '#lib/result.ts';
import { severityOf, textOf, titleOf, type Notification } from '../notification.ts';
import { post, type Reach } from './post.ts';

/** PagerDuty refuses longer ones. */
const MAX_SUMMARY = 1_024;

export function sendPagerDuty(
  { url, ca, routingKey }: { readonly url: string; readonly ca: string; readonly routingKey: string },
  notification: Notification,
  reach: Reach,
): Promise<Result<null>> {
  const { channel, group, groupLabels, status, alerts } = notification;
  const event = {
    routing_key: routingKey,
    event_action: status === 'firing' ? 'trigger' : 'resolve',
    // The same for all notifications of a group, so that they are one incident.
    dedup_key: createHash('sha256')
      .update(JSON.stringify([channel, group]))
      .digest('hex'),
  };
  if (status === 'resolved') return post({ url, token: '', ca, body: event }, reach);
  const links = [...new Set(alerts.map(({ runbook }) => runbook))].filter((href) => href !== '').map((href) => ({ href, text: 'runbook' }));
  const payload = {
    summary: titleOf(notification).slice(0, MAX_SUMMARY),
    source: 'weir',
    severity: severityOf(notification) || 'warning',
    timestamp: new Date(Math.min(...alerts.map(({ startsAt }) => startsAt))).toISOString(),
    custom_details: { ...groupLabels, alerts: textOf(notification) },
  };
  return post({ url, token: '', ca, body: { ...event, payload, links } }, reach);
}
