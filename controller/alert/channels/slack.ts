// Incoming webhooks of Slack. https://api.slack.com/messaging/webhooks
import type { Result } from '#lib/result.ts';
import { severityOf, textOf, titleOf, type Notification } from '../notification.ts';
import { post, type Reach } from './post.ts';

/** Slack refuses longer texts. */
const MAX_TEXT = 3_000;
const COLOURS: Readonly<Record<string, string>> = { critical: '#c9190b', warning: '#f0ab00', info: '#2b9af3' };
const RESOLVED = '#3e8635';

export function sendSlack(
  { url, ca, channel }: { readonly url: string; readonly ca: string; readonly channel: string },
  notification: Notification,
  reach: Reach,
): Promise<Result<null>> {
  const color = notification.status === 'resolved' ? RESOLVED : (COLOURS[severityOf(notification)] ?? '');
  const text = plain(textOf(notification)).slice(0, MAX_TEXT);
  const body = {
    ...(channel === '' ? {} : { channel }),
    text: plain(titleOf(notification)),
    attachments: [{ color, fallback: text, text, mrkdwn_in: [] }],
  };
  return post({ url, token: '', ca, body }, reach);
}

/** Text of alerts must not become links, mentions or commands. */
function plain(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
