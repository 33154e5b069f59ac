// The answers to the challenges of an order: texts, certificates or DNS records.
import { createHash } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { makeChallengeCertificate } from '#lib/certificate-authority.ts';
import type { ChallengeType, PendingChallenge } from '../watch/certificates.ts';
import type { Authorization } from './client.ts';
import { keyAuthorization } from './jws.ts';

/** The names of the types in the protocol. */
const TYPES: Readonly<Record<ChallengeType, string>> = { HTTP01: 'http-01', TLSALPN01: 'tls-alpn-01', DNS01: 'dns-01' };
/** A challenge is answered within minutes; the clocks of others may differ. */
const LIFETIME_MS = 7 * 86_400_000;

/** The answer to the challenge of that type; null if the authorization has none. `authorization` is its URL. */
export function answerTo(
  { identifier, challenges }: Authorization,
  { authorization, type, key }: { readonly authorization: string; readonly type: ChallengeType; readonly key: KeyObject },
): PendingChallenge | null {
  const found = challenges.find((challenge) => challenge.type === TYPES[type]);
  if (found?.token === undefined || !/^[A-Za-z0-9_-]{1,512}$/.test(found.token)) return null;
  const host = identifier.value.toLowerCase();
  const text = keyAuthorization(found.token, key);
  return { host, authorization, url: found.url, answer: answerOf(type, host, found.token, text) };
}

function answerOf(type: ChallengeType, host: string, token: string, text: string): PendingChallenge['answer'] {
  const digest = createHash('sha256').update(text).digest();
  switch (type) {
    case 'HTTP01':
      return { type, token, text };
    case 'TLSALPN01':
      return { type, ...makeChallengeCertificate(host, digest, { now: Date.now(), lifetime: LIFETIME_MS }) };
    case 'DNS01':
      return { type, record: `_acme-challenge.${host}`, value: digest.toString('base64url') };
  }
}
