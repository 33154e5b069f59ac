// Idempotency keys of requests: their text, the caller that they belong to, and the fingerprint of the request.
import { createHash } from 'node:crypto';
import type { Exchange } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';

/** A string of structured fields (RFC 9651 section 3.3.3), as the draft has it, or the same without quotes, as many clients send it. */
const QUOTED = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"$/;
const BARE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,255}$/;

/** Headers with credentials that only the backend checks. */
const CREDENTIALS = ['authorization', 'cookie', 'x-api-key', 'x-auth-token', 'x-access-token'];

/** The key; null: there is none, undefined: it is not valid. */
export function keyOf(headers: readonly string[], name: string): string | null | undefined {
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) values.push(headers[i + 1] as string);
  const [value, ...more] = values;
  if (value === undefined) return null;
  if (more.length > 0) return undefined;
  const quoted = QUOTED.exec(value)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, '$1');
  return BARE.test(value) ? value : undefined;
}

/** The name of a key in stores: equal keys of two callers, and of two policies, are two. */
export function storedKey(exchange: Exchange, policy: string, key: string): string {
  return digest([policy, ...callerOf(exchange), key]);
}

/** The authenticated caller. Without one, everything by which a backend may know the caller. */
function callerOf({ principal, requestHeaders, connection }: Exchange): readonly string[] {
  if (principal !== null && principal.method !== 'anonymous') return ['principal', principal.method, principal.consumer, principal.id];
  const certificate = connection.tls?.clientCertificate?.fingerprint ?? '';
  return ['sent', certificate, ...CREDENTIALS.map((name) => getHeader(requestHeaders, name) ?? '')];
}

/** What makes two requests with one key the same. */
export function fingerprintOf({ method, host, path, query, requestHeaders }: Exchange, body: Buffer): string {
  return digest([method, host, path, query, getHeader(requestHeaders, 'content-type') ?? '', body]);
}

/** Of parts that cannot run into each other. */
function digest(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length} `).update(part);
  return hash.digest('base64url');
}
