// Header names of HTTP/2 messages: their validity (RFC 9113 section 8.2), and the action of the codec.
import { KEY } from '../websocket/accept.ts';
import { FIELD_VALUE, isBlank, LOWER_NAME } from '../h1/characters.ts';

/** Plain headers go into the exchange unchanged; `malformed` ones make their message malformed; `dropped` ones are removed. */
export type FieldKind =
  | ':method'
  | ':scheme'
  | ':authority'
  | ':path'
  | ':status'
  | ':protocol'
  | 'host'
  | 'content-length'
  | 'cookie'
  | 'te'
  | 'expect'
  | 'plain'
  | 'dropped'
  | 'malformed';

const SPECIAL: readonly (readonly [string, FieldKind])[] = [
  ...(
    [':method', ':scheme', ':authority', ':path', ':status', ':protocol', 'host', 'content-length', 'cookie', 'te', 'expect'] as const
  ).map((name) => [name, name] as const),
  // Section 8.2.2: messages may not have headers about the connection.
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map((name) => [name, 'malformed'] as const),
  // CGI programs read these as framing headers, which they are not.
  ...['content_length', 'transfer_encoding'].map((name) => [name, 'malformed'] as const),
  ['http2-settings', 'dropped'],
];

/** Names seen so far. Clients can fill it: then other names are a little slower to check, and memory stays bounded. */
const kinds = new Map<string, FieldKind>(SPECIAL);
const MAX_KNOWN = 4_096;
/** Longer names are not stored. */
const MAX_LENGTH = 64;

/** The kind of a name. */
export function fieldKind(name: string): FieldKind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const kind = isLowerToken(name) ? 'plain' : 'malformed';
  if (kinds.size < MAX_KNOWN && name.length <= MAX_LENGTH) kinds.set(name, kind);
  return kind;
}

/** A token without capitals (section 8.2.1), and without ':' except in the names above. */
function isLowerToken(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (LOWER_NAME[name.charCodeAt(i)] !== 1) return false;
  }
  return name.length > 0;
}

/**
 * Headers of HTTP/1.1 connections, which an answer must not have either, and the key of a WebSocket handshake, which HTTP/2 does not use.
 */
const CONNECTION_SPECIFIC = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  KEY,
]);

export function isConnectionSpecific(name: string): boolean {
  return CONNECTION_SPECIFIC.has(name);
}

/** No control characters, and no blanks at the ends, which HTTP/1.1 would lose. */
export function isValue(value: string): boolean {
  const { length } = value;
  for (let i = 0; i < length; i++) {
    if (FIELD_VALUE[value.charCodeAt(i)] !== 1) return false;
  }
  return length === 0 || !(isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1)));
}
