// Stored answers as bytes. What is read comes from a store that others can write: an answer that is broken, of another version, for another
// request, or that could not have been stored, is none.
import { createHash } from 'node:crypto';
import { isFieldList, packRecord, unpackRecord } from '../exchange/stored-record.ts';
import { answerDirectives } from './directives.ts';
import type { FreshnessTerms } from './freshness.ts';
import type { PurgeMark } from './second-level.ts';
import { storedAnswer, storedHeaders, type AnswerPlace, type StoredAnswer } from './stored-answer.ts';
import { storageObstacle } from './storing.ts';
import { varyNames } from './vary.ts';

/** With the version. */
const MARK = 'WCA\x01';

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
  return packRecord(MARK, { id: answerId(key, variant), url, status, headers, age, at, era, after } satisfies Head, body);
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
  const record = unpackRecord(MARK, bytes);
  if (record === null || !isHead(record.head)) return null;
  const { id, url, status, headers, age, at, era, after } = record.head;
  const { place, variant, headers: requestHeaders, terms } = reader;
  if (id !== answerId(place.key, variant) || url !== place.url || !isStorable(status, headers)) return null;
  const answer = storedAnswer(place, { status, headers, requestedAt: at, receivedAt: at }, record.body, { requestHeaders, terms });
  return answer.variant === variant ? { answer: { ...answer, initialAge: age }, mark: { era, after } } : null;
}

function isHead(head: object): head is Head {
  const { id, url, status, headers, age, at, era, after } = head as Partial<Record<keyof Head, unknown>>;
  const texts = [id, url, era].every((text) => typeof text === 'string');
  const numbers = [status, age, at, after].every((number) => typeof number === 'number' && Number.isFinite(number) && number >= 0);
  return texts && numbers && isFieldList(headers);
}

/** Whether this proxy could have stored the answer for everyone. */
function isStorable(status: number, headers: readonly string[]): boolean {
  const facts = { status, headers, ...answerDirectives(headers) };
  const obstacle = storageObstacle({ method: 'GET', hasCredentials: false, directives: new Map() }, facts);
  return obstacle === null && varyNames(headers) !== null && storedHeaders(headers).length === headers.length;
}
