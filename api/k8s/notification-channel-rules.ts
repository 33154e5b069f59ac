// Rules of NotificationChannels that a schema cannot express (CEL in the CRD, where possible), for channels from files.
import { isIP } from 'node:net';
import type { FieldError } from './field-error.ts';
import { CHANNEL_TYPES, ONE_TYPE, ONE_URL, type NotificationChannel } from './notification-channel.ts';

/** The rules that a NotificationChannel violates. */
export function checkNotificationChannel({ spec }: NotificationChannel): FieldError[] {
  const { webhook, email, pagerDuty, alertmanager } = spec;
  const types = CHANNEL_TYPES.filter((type) => spec[type] !== undefined);
  return [
    ...(types.length === 1 ? [] : [{ field: 'spec', reason: ONE_TYPE }]),
    ...(webhook !== undefined && (webhook.url === undefined) === (webhook.urlFrom === undefined)
      ? [{ field: 'spec.webhook', reason: ONE_URL }]
      : []),
    ...(webhook?.url === undefined ? [] : checkUrl('spec.webhook.url', webhook.url)),
    ...(email === undefined ? [] : checkEmail(email)),
    ...(pagerDuty === undefined ? [] : checkUrl('spec.pagerDuty.url', pagerDuty.url)),
    ...(alertmanager?.urls.flatMap((url, i) => checkUrl(`spec.alertmanager.urls[${i}]`, url)) ?? []),
  ];
}

function checkEmail({ username, passwordFrom, tls, server }: NonNullable<NotificationChannel['spec']['email']>): FieldError[] {
  const port = Number(server.slice(server.lastIndexOf(':') + 1));
  const host = server.slice(0, server.lastIndexOf(':')).replaceAll(/^\[|\]$/g, '');
  return [
    ...((username === undefined) === (passwordFrom === undefined)
      ? []
      : [{ field: 'spec.email', reason: 'username and passwordFrom belong together' }]),
    ...(passwordFrom !== undefined && tls === 'None'
      ? [{ field: 'spec.email.tls', reason: 'must be StartTLS or TLS, since a password must not travel in clear text' }]
      : []),
    ...(port < 1 || port > 65_535 || (server.startsWith('[') && isIP(host) !== 6)
      ? [{ field: 'spec.email.server', reason: 'must be HOST:PORT, like smtp.example.com:587' }]
      : []),
  ];
}

function checkUrl(field: string, text: string): FieldError[] {
  const problem = urlProblem(text);
  return problem === null ? [] : [{ field, reason: problem }];
}

/** Why a URL cannot get notifications; null if it can. */
export function urlProblem(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'must be an http or https URL';
  return url.username === '' && url.password === '' ? null : 'must have no user and no password; use tokenFrom';
}
