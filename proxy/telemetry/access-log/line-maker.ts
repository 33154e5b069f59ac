// Makes the lines of a format.
import type { LogFormat } from '#api/access-log/format.ts';
import { DEFAULT_REDACTOR, type Redactor } from '#lib/redaction/redactor.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { StreamSession } from '../../exchange/stream-session.ts';
import { compileLine } from './line.ts';
import { Moment } from './moment.ts';
import { keepHeaders, loggedHeaders, requestReaders } from './request-fields.ts';
import { streamReaders } from './stream-fields.ts';

export class LineMaker {
  readonly #headers: readonly string[];
  readonly #moment = new Moment();
  readonly #request: (exchange: Exchange, moment: Moment) => string;
  readonly #stream: (session: StreamSession, moment: Moment) => string;

  constructor(format: LogFormat, redactor: Redactor = DEFAULT_REDACTOR) {
    this.#headers = loggedHeaders(format);
    this.#request = compileLine(format, requestReaders(this.#headers, redactor), redactor);
    this.#stream = compileLine(format, streamReaders(), redactor);
  }

  /** Keeps headers before filters change them. */
  started(exchange: Exchange): void {
    if (this.#headers.length > 0) keepHeaders(exchange, this.#headers);
  }

  /** The line of an exchange, with its duration in milliseconds. */
  request(exchange: Exchange, ms: number): string {
    this.#moment.ms = ms;
    return this.#request(exchange, this.#moment);
  }

  /** The line of a connection. */
  stream(session: StreamSession, ms: number): string {
    this.#moment.ms = ms;
    return this.#stream(session, this.#moment);
  }
}
