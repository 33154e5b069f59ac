// The lines of requests that ended lately, for questions that come later: bounded by bytes and age. With the failed ones alone, other
// requests pay nothing, and a flood of failures costs a bounded number of lines per second.
import type { LogFilter } from '#api/access-log/filter.ts';
import type { LogFormat } from '#api/access-log/format.ts';
import type { RecentLine } from '#api/wire/recent-lines.ts';
import { MAX_RECENT_MS } from '#api/wire/telemetry-limits.ts';
import { TokenBucket } from '#lib/token-bucket.ts';
import type { ExchangeListener } from '../../exchange/exchange-events.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { requestIdOf } from '../../exchange/request-id.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import type { FailureListener } from '../errors/error-groups.ts';
import { traceIdOf } from '../errors/sample.ts';
import { subjectOf, subjectOfStream } from './access-log.ts';
import { keeps } from './filter.ts';
import type { Subject } from './filter.ts';
import { RouteLines } from './route-lines.ts';

/** Failures per second whose lines are kept. */
const FAILURES_PER_SECOND = 100;
/** Characters of an id that are compared. */
const MAX_ID = 256;
/** What an entry takes besides its texts, about. */
const ENTRY_BYTES = 256;
/** Entries at the beginning of the list that are free, before the list is moved. */
const MAX_FREE = 1_024;

interface Kept {
  readonly at: number;
  readonly line: Buffer;
  readonly bytes: number;
  readonly subject: Subject;
  readonly requestId: string;
  readonly traceId: string;
}

/** Which lines are meant. */
export interface RecentQuestion {
  readonly filter: LogFilter;
  /** How long ago they may have ended, milliseconds. */
  readonly ageMs: number;
  /** Of a request or its trace; '' for all. */
  readonly id: string;
  readonly top: number;
}

export interface RecentOptions {
  readonly format: LogFormat;
  readonly maxBytes: number;
  /** All requests, instead of those that failed. */
  readonly all: boolean;
  /** Milliseconds since the epoch; tests supply their own. */
  readonly now?: () => number;
}

export class RecentRequests implements ExchangeListener, FailureListener {
  readonly #lines: RouteLines;
  readonly #maxBytes: number;
  readonly #now: () => number;
  /** Null: all requests are kept, without a limit on their rate. */
  readonly #failures: TokenBucket | null;
  /** The oldest first. The entries before `first` are gone. */
  #kept: (Kept | null)[] = [];
  #first = 0;
  #bytes = 0;

  constructor({ format, maxBytes, all, now = () => Date.now() }: RecentOptions) {
    this.#lines = new RouteLines(format);
    this.#maxBytes = maxBytes;
    this.#failures = all ? null : new TokenBucket({ burst: FAILURES_PER_SECOND, perSecond: FAILURES_PER_SECOND });
    this.#now = now;
  }

  /** Whether all requests are kept: it then has to hear of each. */
  get hasAll(): boolean {
    return this.#failures === null;
  }

  started(exchange: Exchange): void {
    // The log keeps the same headers.
    this.#lines.started(exchange);
  }

  matched(exchange: Exchange): void {
    this.#lines.matched(exchange);
  }

  ended(exchange: Exchange, ms: number): void {
    const ids = { requestId: owned(requestIdOf(exchange)), traceId: owned(traceIdOf(exchange)) };
    this.#keep(this.#lines.line(exchange, ms), subjectOf(exchange, ms), ids);
  }

  failed(exchange: Exchange, ms: number): void {
    if (this.#failures === null || this.#failures.take() !== 0) return;
    // Without a log nothing has kept the headers before filters changed them: the line has those of the end.
    if (exchange.loggedHeaders === null) {
      this.#lines.started(exchange);
      this.#lines.matched(exchange);
    }
    this.ended(exchange, ms);
  }

  streamEnded(session: StreamSession, ms: number): void {
    if (this.#failures !== null && (session.error === null || this.#failures.take() !== 0)) return;
    this.#keep(this.#lines.usual.stream(session, ms), subjectOfStream(session, ms), { requestId: '', traceId: '' });
  }

  /** The latest lines that a question means, the latest first, and the number of those without room. */
  list({ filter, ageMs, id, top }: RecentQuestion): { readonly lines: readonly RecentLine[]; readonly more: number } {
    const since = this.#now() - Math.min(ageMs, MAX_RECENT_MS);
    const lines: RecentLine[] = [];
    let more = 0;
    for (let index = this.#kept.length - 1; index >= this.#first; index--) {
      const kept = this.#kept[index] as Kept;
      if (kept.at < since) break;
      if (!isMeant(kept, filter, id)) continue;
      if (lines.length < top) lines.push({ at: kept.at, line: kept.line.toString().trimEnd() });
      else more++;
    }
    return { lines, more };
  }

  #keep(text: string, { status, ms, route, failed, client, caller }: Subject, ids: Pick<Kept, 'requestId' | 'traceId'>): void {
    const at = this.#now();
    // A principal may have much more, and claims that nothing may show.
    const named = caller === null ? null : { id: owned(caller.id), consumer: owned(caller.consumer) };
    const line = ownBuffer(text);
    const subject = { status, ms, route, failed, client, caller: named };
    const bytes = line.length + ENTRY_BYTES + 2 * (ids.requestId.length + ids.traceId.length);
    this.#kept.push({ at, line, bytes, subject, ...ids });
    this.#bytes += bytes;
    this.#forget(at - MAX_RECENT_MS);
  }

  #forget(before: number): void {
    while (this.#first < this.#kept.length) {
      const oldest = this.#kept[this.#first] as Kept;
      if (this.#bytes <= this.#maxBytes && oldest.at >= before) break;
      this.#kept[this.#first++] = null;
      this.#bytes -= oldest.bytes;
    }
    if (this.#first < MAX_FREE || 2 * this.#first < this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#first);
    this.#first = 0;
  }
}

function isMeant({ subject, requestId, traceId }: Kept, filter: LogFilter, id: string): boolean {
  if (id !== '' && id.slice(0, MAX_ID) !== requestId && id !== traceId) return false;
  return filter === null || keeps(filter, subject);
}

/** In memory of its own: a part of the pool of Node would keep all of it, 64 KiB, as long as the line. */
function ownBuffer(text: string): Buffer {
  const buffer = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  buffer.write(text);
  return buffer;
}

/** A copy: a part of a longer text would keep all of it in memory. */
function owned(text: string): string {
  return text === '' ? '' : Buffer.from(text.slice(0, MAX_ID)).toString();
}
