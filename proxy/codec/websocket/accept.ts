// The two headers of an opening handshake that HTTP/2 does not have (RFC 6455 section 4.1, RFC 8441 section 5). If only one side speaks
// HTTP/1.1, the proxy sends its own key, or answers the key of the client.
import { createHash, randomBytes } from 'node:crypto';
import { getHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';

export const KEY = 'sec-websocket-key';
export const ACCEPT = 'sec-websocket-accept';

/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 16 bytes as base64. */
const VALID_KEY = /^[A-Za-z0-9+/]{22}==$/;

/** A random key, as a client sends it. */
export function newKey(): string {
  return randomBytes(16).toString('base64');
}

/** The answer of a server to a key. */
export function acceptFor(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

/** The key of a request, or null if it has no valid one. */
export function keyOf(headers: Headers): string | null {
  const key = getHeader(headers, KEY);
  return key !== null && VALID_KEY.test(key) ? key : null;
}
