// Header names: the internal form of each (lower case, one string object per name), and whether the codec handles the header itself.
import { isForwarded } from '../../exchange/forwarded-names.ts';
import { LOWER_TOKEN } from './characters.ts';

/** The action of the codec for a header. Plain headers go into the exchange; the others belong to the connection. */
export type FieldKind =
  'plain' | 'host' | 'content-length' | 'transfer-encoding' | 'connection' | 'expect' | 'upgrade' | 'te' | 'hop' | 'forbidden';

/** A known name. */
export interface FieldName {
  readonly name: string;
  readonly kind: FieldKind;
  /** The bytes of the name. */
  readonly bytes: Uint8Array;
  /** The index in `SEEN` of the name that followed this one last time: only a guess. */
  follower: number;
}

/** The predecessor of the first name of a block, for the guess. */
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
  // CGI programs read these as framing headers, which they are not.
  ['content_length', 'forbidden'],
  ['transfer_encoding', 'forbidden'],
]);

/** The action of the codec for a header with this name in lower case. */
export function kindOf(name: string): FieldKind {
  return SPECIAL.get(name) ?? 'plain';
}

const COLON = 0x3a;
/** Longer names are not stored. */
const MAX_KEPT = 64;

/**
 * The names seen last, by hash: most look-ups need neither a string nor a Map. A name with the same slot replaces the other, so that
 * clients can make look-ups slower but not the table larger.
 */
const SEEN: (FieldName | undefined)[] = Array.from({ length: 4_096 });

/**
 * The name with its colon at `bytes[start]`, or null if there is none. `previous` is the name of the line before: most messages have their
 * fields in the same order as the message before, so a single comparison is enough, which halves the cost of a block.
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
  // Lines without a name, with a space before the colon, and folded lines end here.
  if (end === start || bytes[end] !== COLON) return null;
  // With this hash none of a hundred usual names collide; without the folding, `sec-ch-ua` and `accept-encoding` do.
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

/** Headers that `Connection` cannot declare hop-by-hop: otherwise a client could remove headers that later checks need. */
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
  // RFC 9110 section 10.1.4 requires Connection to list it; the part that is kept (`trailers`) applies to the next connection too.
  'te',
]);

/** Whether a name in `Connection` may be removed. */
export function mayBeHopByHop(name: string): boolean {
  return !END_TO_END.has(name) && !isForwarded(name);
}

/** Headers that must not be trailers: they frame, route, authenticate or change how the message is read (RFC 9110 section 6.5.1). */
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

/** Whether a trailer is forwarded. */
export function mayBeTrailer(name: string, kind: string): boolean {
  return kind === 'plain' && !NOT_IN_TRAILERS.has(name) && !isForwarded(name);
}
