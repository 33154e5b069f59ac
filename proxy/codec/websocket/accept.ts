// The two headers of an opening handshake that HTTP/2 does without (RFC 6455 section 4.1, RFC 8441 section 5): where one side
// speaks HTTP/1.1, the proxy asks with a key of its own, or answers the key that it was asked with.
import { createHash, randomBytes } from 'node:crypto';
import { getHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';

export const KEY = 'sec-websocket-key';
export const ACCEPT = 'sec-websocket-accept';

/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 16 bytes as base64. */
const VALID_KEY = /^[A-Za-z0-9+/]{22}==$/;

/** A key as a client draws it. */
export function newKey(): string {
  return randomBytes(16).toString('base64');
}

/** What a server answers to a key. */
export function acceptFor(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

/** The key of a request, or null when it has none that can be answered. */
export function keyOf(headers: Headers): string | null {
  const key = getHeader(headers, KEY);
  return key !== null && VALID_KEY.test(key) ? key : null;
}
