// Header names of HTTP/2 messages: which are valid (RFC 9113 section 8.2) and what the codec does with each.
import { KEY } from '../websocket/accept.ts';
import { FIELD_VALUE, isBlank, LOWER_NAME } from '../h1/characters.ts';

/** Plain ones go into the exchange as they are; `malformed` ones make their message so; `dropped` ones are left out. */
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
  // Section 8.2.2: what is about a connection has no place in a message.
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map((name) => [name, 'malformed'] as const),
  // CGI and its kin read these as the framing headers that they are not.
  ...['content_length', 'transfer_encoding'].map((name) => [name, 'malformed'] as const),
  ['http2-settings', 'dropped'],
];

/** Names seen so far. Strangers can fill it, which makes other names a little slower to check, and no larger. */
const kinds = new Map<string, FieldKind>(SPECIAL);
const MAX_KNOWN = 4_096;
/** Longer names are not remembered. */
const MAX_LENGTH = 64;

/** What a name stands for. */
export function fieldKind(name: string): FieldKind {
  const known = kinds.get(name);
  if (known !== undefined) return known;
  const kind = isLowerToken(name) ? 'plain' : 'malformed';
  if (kinds.size < MAX_KNOWN && name.length <= MAX_LENGTH) kinds.set(name, kind);
  return kind;
}

/** A token without capitals: section 8.2.1 refuses those, and ':' anywhere but in the names above. */
function isLowerToken(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    if (LOWER_NAME[name.charCodeAt(i)] !== 1) return false;
  }
  return name.length > 0;
}

/** Headers of HTTP/1.1 connections, which an answer must not carry either, and the key of a handshake that HTTP/2 has no use for. */
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

/** No control characters, and no blanks at the ends, where HTTP/1.1 would lose them. */
export function isValue(value: string): boolean {
  const { length } = value;
  for (let i = 0; i < length; i++) {
    if (FIELD_VALUE[value.charCodeAt(i)] !== 1) return false;
  }
  return length === 0 || !(isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1)));
}
