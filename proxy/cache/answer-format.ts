// Stored answers as bytes. What is read comes from a store that others can write: an answer that is broken, of another version, for another
// request, or that could not have been stored, is none.
//
// "WCA", the version, the lengths of head and body, the SHA-256 of both, the head (JSON), the body.
import { createHash } from 'node:crypto';
import { answerDirectives } from './directives.ts';
import type { FreshnessTerms } from './freshness.ts';
import type { PurgeMark } from './second-level.ts';
import { storedAnswer, storedHeaders, type AnswerPlace, type StoredAnswer } from './stored-answer.ts';
import { storageObstacle } from './storing.ts';
import { varyNames } from './vary.ts';

const MAGIC = Buffer.from('WCA\x01');
const DIGEST_BYTES = 32;
const PREAMBLE = MAGIC.length + 8 + DIGEST_BYTES;

/** The longest head, bytes: more than the codecs accept. */
export const MAX_HEAD = 262_144;

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
// What a field may have, without the characters that would end its line.
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

interface Head {
  /** Of the key and the variant. */
  readonly id: string;
  readonly url: string;
  readonly status: number;
  readonly headers: readonly string[];
  /** Seconds, and when it had that age, milliseconds since the epoch. */
  readonly age: number;
  readonly at: number;
  readonly era: string;
  readonly after: number;
}

/** A name for the answers of a key with a variant, without what the key contains. */
export function answerId(key: string, variant: string): string {
  return createHash('sha256').update(`${key.length} ${key}${variant}`).digest('base64url');
}

export function packAnswer(answer: StoredAnswer, { era, after }: PurgeMark): Buffer {
  const { key, variant, url, status, headers, initialAge: age, receivedAt: at, body } = answer;
  const head = Buffer.from(JSON.stringify({ id: answerId(key, variant), url, status, headers, age, at, era, after } satisfies Head));
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(head.length, 0);
  lengths.writeUInt32BE(body.length, 4);
  return Buffer.concat([MAGIC, lengths, digestOf(head, body), head, body]);
}

/** A request for which an answer was stored: its headers have the variant. */
export interface AnswerReader {
  readonly place: AnswerPlace;
  readonly variant: string;
  readonly headers: readonly string[];
  readonly terms: FreshnessTerms;
}

/** The answer, and the purges that were known when it was asked for; null: it is none. */
export function unpackAnswer(bytes: Buffer, reader: AnswerReader): { readonly answer: StoredAnswer; readonly mark: PurgeMark } | null {
  const parts = partsOf(bytes);
  const head = parts === null ? null : headOf(parts.head);
  if (parts === null || head === null) return null;
  const { place, variant, headers: requestHeaders, terms } = reader;
  if (head.id !== answerId(place.key, variant) || head.url !== place.url || !isStorable(head)) return null;
  const { status, headers, age, at, era, after } = head;
  const received = { status, headers, requestedAt: at, receivedAt: at };
  // A copy: the bytes of the reply would stay as long as the body.
  const answer = storedAnswer(place, received, Buffer.from(parts.body), { requestHeaders, terms });
  return answer.variant === variant ? { answer: { ...answer, initialAge: age }, mark: { era, after } } : null;
}

function partsOf(bytes: Buffer): { readonly head: Buffer; readonly body: Buffer } | null {
  if (bytes.length < PREAMBLE || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null;
  const length = bytes.readUInt32BE(MAGIC.length);
  if (length > MAX_HEAD || bytes.length !== PREAMBLE + length + bytes.readUInt32BE(MAGIC.length + 4)) return null;
  const head = bytes.subarray(PREAMBLE, PREAMBLE + length);
  const body = bytes.subarray(PREAMBLE + length);
  return digestOf(head, body).equals(bytes.subarray(PREAMBLE - DIGEST_BYTES, PREAMBLE)) ? { head, body } : null;
}

function digestOf(head: Buffer, body: Buffer): Buffer {
  return createHash('sha256').update(head).update(body).digest();
}

function headOf(bytes: Buffer): Head | null {
  try {
    const head = JSON.parse(bytes.toString()) as Partial<Record<keyof Head, unknown>> | null;
    return head !== null && isHead(head) ? (head as unknown as Head) : null;
  } catch {
    return null;
  }
}

function isHead({ id, url, status, headers, age, at, era, after }: Partial<Record<keyof Head, unknown>>): boolean {
  const texts = [id, url, era].every((text) => typeof text === 'string');
  const numbers = [status, age, at, after].every((number) => typeof number === 'number' && Number.isFinite(number) && number >= 0);
  return texts && numbers && Array.isArray(headers) && headers.length % 2 === 0 && headers.every(isField);
}

function isField(text: unknown, index: number): boolean {
  return typeof text === 'string' && (index % 2 === 0 ? NAME : VALUE).test(text);
}

/** Whether this proxy could have stored the answer for everyone. */
function isStorable({ status, headers }: Head): boolean {
  const facts = { status, headers, ...answerDirectives(headers) };
  const obstacle = storageObstacle({ method: 'GET', hasCredentials: false, directives: new Map() }, facts);
  return obstacle === null && varyNames(headers) !== null && storedHeaders(headers).length === headers.length;
}
