// The access log while taps listen, also if the log itself is off. Without a tap, no request passes through here.
import type { LogFormat } from '#api/access-log/format.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import { subjectOf, subjectOfStream } from './access-log.ts';
import type { Log } from './access-log.ts';
import { RouteLines } from './route-lines.ts';
import type { Tap } from './tap.ts';

export class TappedLog implements Log {
  readonly #log: Log;
  readonly #lines: RouteLines;
  readonly #taps = new Set<Tap>();

  /** The lines of taps have the format of the log. */
  constructor(log: Log, format: LogFormat) {
    this.#log = log;
    this.#lines = new RouteLines(format);
  }

  /** The number of taps. */
  get size(): number {
    return this.#taps.size;
  }

  add(tap: Tap): void {
    this.#taps.add(tap);
  }

  remove(tap: Tap): void {
    this.#taps.delete(tap);
  }

  started(exchange: Exchange): void {
    // The log keeps the same headers.
    this.#lines.started(exchange);
  }

  matched(exchange: Exchange): void {
    this.#lines.matched(exchange);
  }

  ended(exchange: Exchange, ms: number): void {
    this.#log.ended(exchange, ms);
    const subject = subjectOf(exchange, ms);
    let line = '';
    for (const tap of this.#taps) if (tap.wants(subject)) tap.take((line ||= this.#lines.line(exchange, ms)));
  }

  logStream(session: StreamSession, ms: number): void {
    this.#log.logStream(session, ms);
    const subject = subjectOfStream(session, ms);
    let line = '';
    for (const tap of this.#taps) if (tap.wants(subject)) tap.take((line ||= this.#lines.usual.stream(session, ms)));
  }
}
