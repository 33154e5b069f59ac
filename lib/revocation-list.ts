// Certificate revocation lists (RFC 5280 section 5): which certificates of an authority are revoked. Lists of changes only, and lists for
// several authorities, have critical extensions and are refused: half a list would be worse than none.
import { verify, type X509Certificate } from 'node:crypto';
import { bitsOf, context, oidOf, readDer, sequenceOf, TAG, timeOf, type Der } from './der.ts';
import { err, ok, type Result } from './result.ts';
import { SIGNATURE_DIGESTS } from './signature-digests.ts';

export interface RevocationList {
  /** The encoded name of the authority. */
  readonly issuer: Buffer;
  /** The time of the list, and that of the next one: milliseconds since the epoch; Infinity without a next one. */
  readonly thisUpdate: number;
  readonly nextUpdate: number;
  /** Serial numbers, in the form of `serialOf`. */
  readonly revoked: ReadonlySet<string>;
  /** Whether the authority with this certificate has signed the list. */
  isSignedBy(authority: X509Certificate): boolean;
}

const BLOCK = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----/g;

/** Reads a text with one or more lists in PEM. The error is the end of a sentence. */
export function parseRevocationLists(pem: string): Result<readonly RevocationList[]> {
  const blocks = [...pem.matchAll(BLOCK)].map(([, base64 = '']) => Buffer.from(base64, 'base64'));
  if (blocks.length === 0 || blocks.length !== pem.split('-----BEGIN').length - 1) return err('has no X509 CRL in PEM, or something else');
  const lists = blocks.map(listOf);
  return lists.every((list) => list !== null) ? ok(lists) : err('has a list that is malformed, or of a kind that is not supported');
}

/** A serial number as a key. */
export function serialOf({ value }: Der): string {
  return value.toString('hex').replace(/^(?:00)+(?=.)/, '');
}

function listOf(bytes: Buffer): RevocationList | null {
  const outer = readDer(bytes);
  const [body, algorithm, signature] = (outer?.raw.length === bytes.length ? sequenceOf(outer) : null) ?? [];
  const content = contentOf(body);
  if (body === undefined || content === null) return null;
  return { ...content, isSignedBy: (authority) => isSigned(body, algorithm, signature, authority) };
}

/** TBSCertList: an optional version, then algorithm, authority, times, entries and extensions. */
function contentOf(body: Der | undefined): Omit<RevocationList, 'isSignedBy'> | null {
  const fields = sequenceOf(body) ?? [];
  const [, issuer, start, ...rest] = fields[0]?.tag === TAG.integer ? fields.slice(1) : fields;
  const [thisUpdate, nextUpdate] = [timeIn(start), nextIn(rest[0])];
  const revoked = serialsIn(rest.find(({ tag }) => tag === TAG.sequence));
  if (issuer?.tag !== TAG.sequence || Number.isNaN(thisUpdate + nextUpdate) || revoked === null || hasCritical(rest)) return null;
  return { issuer: issuer.raw, thisUpdate, nextUpdate, revoked };
}

/** UTCTime of years from 1950 on, or GeneralizedTime. */
function timeIn(der: Der | undefined): number {
  if (der?.tag !== TAG.utcTime) return timeOf(der);
  const digits = der.value.latin1Slice();
  const value = Buffer.from(`${Number(digits.slice(0, 2)) < 50 ? '20' : '19'}${digits}`);
  return timeOf({ tag: TAG.generalizedTime, value, raw: value });
}

function nextIn(der: Der | undefined): number {
  return der?.tag === TAG.utcTime || der?.tag === TAG.generalizedTime ? timeIn(der) : Infinity;
}

/** Null: an entry is malformed, or has a critical extension. */
function serialsIn(list: Der | undefined): ReadonlySet<string> | null {
  const entries = list === undefined ? [] : sequenceOf(list);
  if (!entries) return null;
  const serials = new Set<string>();
  for (const entry of entries) {
    const [serial, , extensions] = sequenceOf(entry) ?? [];
    if (serial?.tag !== TAG.integer || (extensions !== undefined && areCritical(extensions))) return null;
    serials.add(serialOf(serial));
  }
  return serials;
}

function hasCritical(rest: readonly Der[]): boolean {
  const extensions = rest.find(({ tag }) => tag === context(0));
  return extensions !== undefined && areCritical(readDer(extensions.value));
}

/** Also true for what is no list of extensions. */
function areCritical(extensions: Der | null): boolean {
  const all = sequenceOf(extensions);
  return !all || all.some((extension) => (sequenceOf(extension) ?? [extension])[1]?.tag !== TAG.octetString);
}

function isSigned(body: Der, algorithm: Der | undefined, signature: Der | undefined, authority: X509Certificate): boolean {
  const digest = SIGNATURE_DIGESTS.get(oidOf(sequenceOf(algorithm)?.[0]));
  const bits = bitsOf(signature);
  if (digest === undefined || bits === null) return false;
  try {
    return verify(digest, body.raw, authority.publicKey, bits);
  } catch {
    // The key does not fit the signature algorithm.
    return false;
  }
}
