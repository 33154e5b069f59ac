// The level of the cache in Redis, which proxies share. A server that is slow or away costs a miss the timeout at most, and after some failures
// nothing: answers then come from the memory of workers and from backends.
import { RedisCalls } from '#lib/redis-calls.ts';
import type { RedisConnection } from '#lib/redis-connection.ts';
import { runScript, runScriptForBytes } from '#lib/redis-script.ts';
import type { Result } from '#lib/result.ts';
import { MAX_RECORD_HEAD } from '../exchange/stored-record.ts';
import { answerId, packAnswer, unpackAnswer } from './answer-format.ts';
import type { PurgeSubject } from './purges.ts';
import { FIND, GENERATION_MS, STORE } from './redis-cache-scripts.ts';
import { RedisPurges, urlKeys } from './redis-purges.ts';
import type { SecondLevel, SecondLookup, Ticket } from './second-level.ts';
import { ageOf, type StoredAnswer } from './stored-answer.ts';
import { variantOf } from './vary.ts';

/** Answers that wait for Redis, bytes. */
const MAX_WAITING = 16_777_216;
/** A stale answer that the backend can confirm stays so long, seconds, and no answer stays longer than the last. */
const CONFIRMABLE = 3_600;
const LONGEST = 604_800;
/** The generation of a URL must not be forgotten before the answer is stored. */
const MAX_REQUEST_MS = GENERATION_MS / 2;
const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const MAX_NAMES = 32;

export type ReadOutcome = 'hit' | 'miss' | 'refused' | 'unavailable';
export type WriteOutcome = 'stored' | 'outdated' | 'dropped' | 'unavailable';
type Found = Awaited<ReturnType<SecondLevel['find']>>;

const NOTHING: Found = { answer: null, ticket: null };

/** What Redis has for a key and a variant. */
interface Reply {
  readonly generation: string;
  readonly names: readonly string[];
  readonly bytes: Buffer | null;
}

export class RedisLevel implements SecondLevel {
  readonly #calls: RedisCalls;
  readonly #purges: RedisPurges;
  readonly #asked = new Map<string, Promise<Found>>();
  #waiting = 0;
  readonly reads: Record<ReadOutcome, number> = { hit: 0, miss: 0, refused: 0, unavailable: 0 };
  readonly writes: Record<WriteOutcome, number> = { stored: 0, outdated: 0, dropped: 0, unavailable: 0 };

  /** `heard`: a purge of any worker. */
  constructor(connection: Pick<RedisConnection, 'client'>, heard: (subject: PurgeSubject) => void) {
    this.#calls = new RedisCalls(connection);
    this.#purges = new RedisPurges(this.#calls, heard);
  }

  /** Equal questions at one time are one question to Redis. */
  find(lookup: SecondLookup, names: readonly string[]): Promise<Found> {
    const id = answerId(lookup.key, variantOf(names, lookup.headers));
    let asked = this.#asked.get(id);
    if (asked === undefined) {
      asked = this.#find(lookup, names).finally(() => this.#asked.delete(id));
      this.#asked.set(id, asked);
    }
    return asked;
  }

  async #find(lookup: SecondLookup, names: readonly string[]): Promise<Found> {
    const { mark } = this.#purges;
    const at = performance.now();
    let reply = mark === null ? null : await this.#ask(lookup, names);
    if (reply !== null && reply.names.join() !== names.join()) reply = await this.#ask(lookup, reply.names);
    if (mark === null || reply === null) {
      this.reads.unavailable++;
      return NOTHING;
    }
    const answer = reply.bytes === null ? null : this.#answerOf(lookup, reply, reply.bytes);
    this.reads[answer !== null ? 'hit' : reply.bytes === null ? 'miss' : 'refused']++;
    return { answer, ticket: { generation: reply.generation, mark, at } };
  }

  async #ask({ key, url, headers, terms }: SecondLookup, names: readonly string[]): Promise<Reply | null> {
    const fields = [`names ${answerId(key, '')}`, `answer ${answerId(key, variantOf(names, headers))}`];
    const args = [...fields, terms.maxBodySize + MAX_RECORD_HEAD];
    const replied = await this.#calls.run((client) => runScriptForBytes(client, FIND, urlKeys(url), args));
    return replied.ok ? replyOf(replied.value) : null;
  }

  #answerOf({ key, url, headers, terms }: SecondLookup, { names }: Reply, bytes: Buffer): StoredAnswer | null {
    const found = unpackAnswer(bytes, { place: { key, url }, variant: variantOf(names, headers), headers, terms });
    return found !== null && this.#purges.permits(found.mark, found.answer) ? found.answer : null;
  }

  async put(answer: StoredAnswer, ticket: Ticket): Promise<void> {
    const size = answer.body.length;
    if (this.#waiting + size > MAX_WAITING || performance.now() - ticket.at > MAX_REQUEST_MS) {
      this.writes.dropped++;
      return;
    }
    this.#waiting += size;
    const outcome = await this.#write(answer, ticket);
    this.#waiting -= size;
    this.writes[outcome]++;
  }

  async #write(answer: StoredAnswer, { generation, mark }: Ticket): Promise<WriteOutcome> {
    const { key, url, variant, varyNames } = answer;
    const names = [`names ${answerId(key, '')}`, varyNames.join()];
    const args = [generation, ...names, `answer ${answerId(key, variant)}`, packAnswer(answer, mark), timeToLive(answer)];
    const written = await this.#calls.run((client) => runScript(client, STORE, urlKeys(url), args));
    if (!written.ok) return 'unavailable';
    return written.value === 1 ? 'stored' : 'outdated';
  }

  purge(subject: PurgeSubject): Promise<Result<null>> {
    return this.#purges.purge(subject);
  }

  close(): void {
    this.#purges.close();
    this.#calls.close();
  }
}

/** Names that are not names of headers are none. */
function replyOf(value: unknown): Reply | null {
  if (!Array.isArray(value)) return null;
  const [generation, text, bytes] = value as readonly unknown[];
  if (!Buffer.isBuffer(generation) || !Buffer.isBuffer(text)) return null;
  const names = text.length === 0 || text.length > 4_096 ? [] : text.toString().split(',');
  const isValid = names.length <= MAX_NAMES && names.every((name) => NAME.test(name));
  return { generation: generation.toString(), names: isValid ? names : [], bytes: Buffer.isBuffer(bytes) ? bytes : null };
}

/** How long an answer is of use, milliseconds. */
function timeToLive(answer: StoredAnswer): number {
  const { headers, lifetime, staleWhileRevalidate, staleIfError } = answer;
  const canConfirm = headers.some((name, i) => i % 2 === 0 && (name === 'etag' || name === 'last-modified'));
  const stale = Math.max(staleWhileRevalidate, staleIfError, canConfirm ? CONFIRMABLE : 0);
  const left = lifetime - ageOf(answer, Date.now()) + stale;
  return Math.ceil(Math.min(LONGEST, Math.max(1, left)) * 1_000);
}
