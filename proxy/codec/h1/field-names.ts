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
  /** The bytes of the name. */
  readonly bytes: Uint8Array;
  /** Where in `SEEN` the name stands that came after this one last: a guess, and only that. */
  follower: number;
}

/** What stands before the first name of a block, as far as guesses go. */
export function blockStart(): FieldName {
  return { name: '', kind: 'plain', bytes: new Uint8Array(0), follower: 0 };
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

/** What the codec does with a header of this name, in lower case. */
export function kindOf(name: string): FieldKind {
  return SPECIAL.get(name) ?? 'plain';
}

const COLON = 0x3a;
/** Longer names are not kept. */
const MAX_KEPT = 64;

/**
 * Names seen last, by their hash: most cost neither a string nor a Map. A name that falls on another's place takes it, so that
 * strangers can make look-ups slower but not the table larger.
 */
const SEEN: (FieldName | undefined)[] = Array.from({ length: 4_096 });

/**
 * The name that stands at `bytes[start]` with its colon, or null where none does. `previous` is the name of the line before: most
 * messages have their fields in the order in which the message before had them, and comparing with one name is all it takes then,
 * half the cost of a block.
 */
export function fieldNameAt(bytes: Buffer, start: number, previous: FieldName): FieldName | null {
  const guess = SEEN[previous.follower];
  return guess !== undefined && spells(guess, bytes, start) ? guess : lookUp(bytes, start, previous);
}

function lookUp(bytes: Buffer, start: number, previous: FieldName): FieldName | null {
  let end = start;
  let hash = 0;
  for (let code = lowerAt(bytes, end); code !== 0; code = lowerAt(bytes, end)) {
    hash = (hash * 31 + code) | 0;
    end++;
  }
  // No name, a space before the colon, a folded line: all of them end here.
  if (end === start || bytes[end] !== COLON) return null;
  // Folded like this, none of a hundred usual names falls on another; without, `sec-ch-ua` and `accept-encoding` do.
  const place = (hash ^ (hash >>> 12)) & (SEEN.length - 1);
  previous.follower = place;
  const seen = SEEN[place];
  if (seen !== undefined && spells(seen, bytes, start)) return seen;
  const name = bytes.latin1Slice(start, end).toLowerCase();
  const made = { name, kind: kindOf(name), bytes: Uint8Array.from(Buffer.from(name, 'latin1')), follower: 0 };
  if (name.length <= MAX_KEPT) SEEN[place] = made;
  return made;
}

function spells(field: FieldName, bytes: Buffer, start: number): boolean {
  const name = field.bytes;
  const { length } = name;
  let i = 0;
  while (i < length && name[i] === LOWER_TOKEN[bytes[start + i] as number]) i++;
  return i === length && bytes[start + length] === COLON;
}

function lowerAt(bytes: Buffer, position: number): number {
  return LOWER_TOKEN[bytes[position] as number] as number;
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
export function mayBeTrailer(name: string, kind: string): boolean {
  return kind === 'plain' && !NOT_IN_TRAILERS.has(name) && !isForwarded(name);
}
