// The webhook that publishes and removes the DNS records of challenges (DNS-01). docs/reference/acme.md describes the protocol.
import { request } from 'undici';
import type { Dispatcher } from 'undici';
import type { AcmeSettings, PendingChallenge } from '../watch/certificates.ts';

/** The time to publish a record, until it can be read. */
const TIMEOUT_MS = 180_000;
const MAX_TOLD = 200;

/** A record as the webhook gets it. */
export interface DnsRecord {
  readonly action: 'present' | 'cleanup';
  /** The host of the certificate, without `*.`. */
  readonly domain: string;
  /** The name of the TXT record. */
  readonly record: string;
  readonly value: string;
}

/** Asks the webhook; rejects unless it answers 2xx. */
export async function askWebhook(
  { url, token }: NonNullable<AcmeSettings['webhook']>,
  record: DnsRecord,
  { dispatcher, signal }: { readonly dispatcher: Dispatcher; readonly signal: AbortSignal },
): Promise<void> {
  const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
  const { statusCode, body } = await request(url, {
    method: 'POST',
    dispatcher,
    signal,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    headers: { 'content-type': 'application/json', 'user-agent': 'weir', ...authorization },
    body: JSON.stringify(record),
  });
  const text = await body.text();
  if (statusCode >= 200 && statusCode <= 299) return;
  const told = text.replaceAll(/\s+/g, ' ').slice(0, MAX_TOLD);
  throw new Error(`the webhook answered ${statusCode} to ${record.action} of ${record.record}${told === '' ? '' : `: ${told}`}`);
}

/** The record of a challenge; null for one that proxies answer. */
export function recordOf({ host, answer }: PendingChallenge, action: DnsRecord['action']): DnsRecord | null {
  return answer.type === 'DNS01' ? { action, domain: host, record: answer.record, value: answer.value } : null;
}
