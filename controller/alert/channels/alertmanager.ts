// The API of Alertmanager (v2): it groups, silences and repeats itself, and forgets alerts that are not sent again.
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
import { err, ok, type Result } from '#lib/result.ts';
import type { Notification } from '../notification.ts';
import { post, type Reach } from './post.ts';
import { annotationsOf } from './webhook.ts';

/** Alerts are sent again at this interval, and end by themselves after several of them, milliseconds. */
export const RESEND_MS = 60_000;
const LASTS_MS = 4 * RESEND_MS;

/** Each member of the cluster gets all alerts, and one that takes them is enough: members tell each other. */
export async function sendAlertmanager(
  { urls, token, ca }: { readonly urls: readonly string[]; readonly token: string; readonly ca: string },
  { alerts }: Notification,
  reach: Reach,
): Promise<Result<null>> {
  const now = Date.now();
  const body = alerts.map((alert) => ({
    labels: alert.labels,
    annotations: annotationsOf(alert),
    startsAt: new Date(alert.startsAt).toISOString(),
    endsAt: new Date(alert.endsAt === 0 ? now + LASTS_MS : alert.endsAt).toISOString(),
    generatorURL: alert.runbook,
  }));
  const results = await Promise.all(urls.map((url) => post({ url: `${url.replace(/\/+$/, '')}/api/v2/alerts`, token, ca, body }, reach)));
  if (results.some(({ ok: done }) => done)) return ok(null);
  return err(results.flatMap((result) => (result.ok ? [] : [result.error])).join('; '));
}
