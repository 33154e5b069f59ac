// Header names: how each is spelt inside (lower case, one string object per name) and whether the codec has business with it.

/** What the codec does with a header. Plain ones go into the exchange, all others are the connection's own. */
export type FieldKind = 'plain' | 'host' | 'content-length' | 'transfer-encoding' | 'connection' | 'expect' | 'upgrade' | 'te' | 'hop';

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
]);

/** Spellings seen, so that most names cost one look-up and no lower-casing. Bounded: names come from strangers. */
const cache = new Map<string, FieldName>();
const MAX_CACHED = 2_048;

/** The name behind a spelling. */
export function fieldName(spelling: string): FieldName {
  const known = cache.get(spelling);
  if (known !== undefined) return known;
  const name = spelling.toLowerCase();
  const entry = { name, kind: SPECIAL.get(name) ?? 'plain' };
  if (cache.size < MAX_CACHED) cache.set(Buffer.from(spelling, 'latin1').toString('latin1'), entry);
  return entry;
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
]);

/** Whether a name that `Connection` lists may be removed. */
export function mayBeHopByHop(name: string): boolean {
  return !END_TO_END.has(name) && !name.startsWith('x-forwarded-') && !name.startsWith('x-real-');
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
  return field.kind === 'plain' && !NOT_IN_TRAILERS.has(field.name) && !field.name.startsWith('x-forwarded-');
}
