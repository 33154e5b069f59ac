// The purges of answers in Redis, as a worker knows them. A worker uses an answer of Redis only as long as it knows all purges of the last second,
// and if none since the answer was asked for is about it.
import { createHash, randomBytes } from 'node:crypto';
import type { RedisCalls } from '#lib/redis-calls.ts';
import { runScript } from '#lib/redis-script.ts';
import type { RedisClient } from '#lib/redis.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { isPurged, type Purgeable, type PurgeSubject } from './purges.ts';
import { INVALIDATE, MAX_PURGES, RECORD, SYNC } from './redis-cache-scripts.ts';
import type { PurgeMark } from './second-level.ts';

const [STATE, PURGES, URLS] = ['weir:{cache}:state', 'weir:{cache}:purges', 'weir:{cache}:urls'];
const ALL: PurgeSubject = { by: 'all' };
const SYNC_EVERY_MS = 250;
/** Purges that are older are known. */
const CURRENT_MS = 1_000;
/** Purges that one answer has. */
const PAGE = 1_000;
/** Purges that wait for Redis; more of them become one of everything. */
const MAX_UNSENT = 1_000;

type Lists = readonly [era: string, lastPurge: number, purges: readonly string[], lastUrl: number, urls: readonly string[]];

interface Known {
  readonly number: number;
  readonly subject: PurgeSubject;
}

export class RedisPurges {
  readonly #calls: RedisCalls;
  readonly #heard: (subject: PurgeSubject) => void;
  readonly #known: Known[] = [];
  /** Of this worker, as long as they are not known to be in Redis. */
  readonly #unsent = new Map<string, PurgeSubject>();
  #era = '';
  #last = 0;
  #lastUrl = 0;
  #syncedAt = -Infinity;
  #syncing: Promise<boolean> = Promise.resolve(true);
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  /** `heard`: a purge of any worker, for the memory of this one. */
  constructor(calls: RedisCalls, heard: (subject: PurgeSubject) => void) {
    this.#calls = calls;
    this.#heard = heard;
    void this.#follow();
  }

  /** Null: purges may be missing. */
  get mark(): PurgeMark | null {
    return performance.now() - this.#syncedAt < CURRENT_MS ? { era: this.#era, after: this.#last } : null;
  }

  /** Whether no purge since the mark is about the answer. */
  permits({ era, after }: PurgeMark, answer: Purgeable): boolean {
    if (era !== this.#era || after < this.#last - MAX_PURGES) return false;
    for (let i = this.#known.length - 1; i >= 0 && (this.#known[i] as Known).number > after; i--)
      if (isPurged((this.#known[i] as Known).subject, answer)) return false;
    for (const subject of this.#unsent.values()) if (isPurged(subject, answer)) return false;
    return true;
  }

  /** Purges answers at all workers, now or when Redis answers again. */
  purge(subject: PurgeSubject): Promise<Result<null>> {
    if (this.#unsent.size >= MAX_UNSENT) {
      this.#unsent.clear();
      this.#unsent.set(keyOf(ALL), ALL);
    } else this.#unsent.set(keyOf(subject), subject);
    return this.#send(subject);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  /** The purge waits no longer once this worker also knows it from Redis. */
  async #send(subject: PurgeSubject): Promise<Result<null>> {
    const sent = await this.#calls.run((client) => record(client, subject));
    if (!sent.ok || !(await this.#sync())) return err('Redis does not answer');
    this.#unsent.delete(keyOf(subject));
    return ok(null);
  }

  async #follow(): Promise<void> {
    const isAnswered = await this.#sync();
    if (isAnswered) for (const subject of [...this.#unsent.values()]) await this.#send(subject);
    if (!this.#isClosed) this.#timer = setTimeout(() => void this.#follow(), SYNC_EVERY_MS).unref();
  }

  /** Learns the purges up to now. One after the other, so that each knows all that were sent before it began. */
  #sync(): Promise<boolean> {
    this.#syncing = this.#syncing.then(() => this.#learn());
    return this.#syncing;
  }

  async #learn(): Promise<boolean> {
    const began = performance.now();
    for (;;) {
      const fresh = randomBytes(9).toString('base64url');
      const args = [fresh, this.#era, this.#last, this.#lastUrl, PAGE];
      const answer = await this.#calls.run((client) => runScript(client, SYNC, [STATE, PURGES, URLS], args) as Promise<Lists>);
      if (!answer.ok) return false;
      this.#take(answer.value);
      if (answer.value[2].length < PAGE && answer.value[4].length < PAGE) break;
    }
    this.#syncedAt = began;
    return true;
  }

  #take([era, lastPurge, purges, lastUrl, urls]: Lists): void {
    if (era !== this.#era) {
      // The purges of the time between are not known. A worker that begins has stored nothing of the former era.
      if (this.#era !== '') this.#heard(ALL);
      this.#known.length = 0;
      [this.#era, this.#last, this.#lastUrl] = [era, 0, lastUrl];
    }
    for (const { number, subject } of purges.map(parsed)) {
      this.#last = number;
      this.#known.push({ number, subject });
      this.#heard(subject);
    }
    if (purges.length < PAGE) this.#last = lastPurge;
    this.#known.splice(0, this.#known.length - MAX_PURGES);
    this.#takeUrls(lastUrl, urls.map(parsed));
  }

  /** Those of URLs are only for the memory of workers; if some are gone, all of it goes. */
  #takeUrls(lastUrl: number, urls: readonly Known[]): void {
    if (lastUrl > this.#lastUrl && urls[0]?.number !== this.#lastUrl + 1) this.#heard(ALL);
    for (const { subject } of urls) this.#heard(subject);
    this.#lastUrl = urls.length < PAGE ? lastUrl : (urls.at(-1)?.number ?? lastUrl);
  }
}

/** The answers of a URL go at once; its record is for the memory of workers, which have none unless Redis had one. */
async function record(client: RedisClient, subject: PurgeSubject): Promise<void> {
  if (subject.by !== 'url') return void (await runScript(client, RECORD, [STATE, PURGES], ['purges', keyOf(subject)]));
  const gone = await runScript(client, INVALIDATE, urlKeys(subject.value), []);
  if (gone === 1) await runScript(client, RECORD, [STATE, URLS], ['urls', keyOf(subject)]);
}

/** The hash with the answers of a URL, and its generation: in one slot of a Cluster. */
export function urlKeys(url: string): readonly [string, string] {
  const name = `weir:cache:{${createHash('sha256').update(url).digest('base64url')}}`;
  return [name, `${name}:generation`];
}

function keyOf(subject: PurgeSubject): string {
  return subject.by === 'all' ? 'all' : `${subject.by} ${subject.value}`;
}

/** A record that is not one is a purge of everything. */
function parsed(text: string): Known {
  const [, by, value = ''] = /^\d+ (url|prefix|tag) ([^]*)$/.exec(text) ?? [];
  return { number: Number.parseInt(text, 10) || 0, subject: by === undefined ? ALL : { by: by as 'url' | 'prefix' | 'tag', value } };
}
