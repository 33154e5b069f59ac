// Header names: how each is spelt inside (lower case, one string object per name) and whether the codec has business with it.
import { isForwarded } from '../../exchange/forwarded-names.ts';
import { LOWER_TOKEN } from './characters.ts';

/** What the codec does with a header. Plain ones go into the exchange, all others are the connection's own. */
export type FieldKind =
  'plain' | 'host' | 'content-length' | 'transfer-encoding' | 'connection' | 'expect' | 'upgrade' | 'te' | 'hop' | 'forbidden';

/** A known name. */
export interface FieldName {
  readonly name: string;
  readonly kind: FieldKind;
}

const SPECIAL: ReadonlyMap<string, FieldKind> = new Map<string, FieldKind>([
  ['host', 'host'],
  ['content-length', 'content-length'],
  ['transfer-encoding', 'transfer-encoding'],
  ['connection', 'connection'],
  ['expect', 'expect'],
  ['upgrade', 'upgrade'],
  ['te', 'te'],
  ['keep-alive', 'hop'],
  ['proxy-connection', 'hop'],
  ['http2-settings', 'hop'],
  // CGI and its kin read these as the framing headers that they are not.
  ['content_length', 'forbidden'],
  ['transfer_encoding', 'forbidden'],
]);

/**
 * Names seen last, by their hash: most cost neither a string nor a Map. A name that falls on another's place takes it, so that
 * strangers can make look-ups slower but not the table larger.
 */
const SEEN: (FieldName | undefined)[] = Array.from({ length: 4_096 });

/**
 * The name that stands at `bytes[start, end)`, token characters all of them. `hash` is any number that depends on their lower
 * case alone: who scans the characters anyway makes it on the way.
 */
export function fieldNameAt(bytes: Buffer, start: number, end: number, hash: number): FieldName {
  const place = hash & (SEEN.length - 1);
  const seen = SEEN[place];
  if (seen !== undefined && spells(seen.name, bytes, start, end)) return seen;
  const name = bytes.latin1Slice(start, end).toLowerCase();
  const entry = { name, kind: SPECIAL.get(name) ?? 'plain' };
  SEEN[place] = entry;
  return entry;
}

function spells(name: string, bytes: Buffer, start: number, end: number): boolean {
  if (name.length !== end - start) return false;
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) !== LOWER_TOKEN[bytes[start + i] as number]) return false;
  }
  return true;
}

/** Headers that `Connection` cannot declare hop-by-hop: removing them would let a client switch checks of others off. */
const END_TO_END = new Set([
  'authorization',
  'cookie',
  'host',
  'content-type',
  'content-encoding',
  'cache-control',
  'origin',
  'set-cookie',
  'date',
  // RFC 9110 section 10.1.4 wants it listed; what is kept of it (`trailers`) holds for the next connection too.
  'te',
]);

/** Whether a name that `Connection` lists may be removed. */
export function mayBeHopByHop(name: string): boolean {
  return !END_TO_END.has(name) && !isForwarded(name);
}

/** Headers that must not come as trailers: they frame, route, authenticate or change how the message is read (RFC 9110 section 6.5.1). */
const NOT_IN_TRAILERS = new Set([
  ...[
    'authorization',
    'cookie',
    'set-cookie',
    'content-encoding',
    'content-type',
    'content-range',
    'trailer',
    'cache-control',
    'max-forwards',
  ],
  ...['expect', 'range', 'www-authenticate', 'proxy-authenticate', 'proxy-authorization', 'age', 'expires', 'date', 'location', 'vary'],
]);

/** Whether a trailer is passed on. */
export function mayBeTrailer(field: FieldName): boolean {
  return field.kind === 'plain' && !NOT_IN_TRAILERS.has(field.name) && !isForwarded(field.name);
}
