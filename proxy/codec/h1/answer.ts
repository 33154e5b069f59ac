// The current answer on a connection: the text of its head, and how its end is marked.
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { withFieldLines } from './field-lines.ts';
import { isBodiless, statusLine } from './status-lines.ts';

/** No request can follow on the same connection. */
const CLOSE = 'connection: close\r\n';

export class Answer {
  /** No 1xx may follow. */
  headWritten = false;
  done = false;
  /** The body is chunked. */
  chunked = false;
  /** The body is not sent. */
  bodiless = false;
  /** The connection ends after it. */
  last = false;

  /** A request has started. */
  begin(): void {
    this.headWritten = false;
    this.done = false;
    this.chunked = false;
    this.last = false;
  }

  /** The head as sent; '' if none is sent. `last`: the connection ends after the answer. */
  head(exchange: Exchange, last: boolean): string {
    const { status } = exchange;
    this.headWritten = true;
    this.bodiless = (isBodiless(status) && status !== 101) || exchange.method === 'HEAD';
    // A client that does not speak HTTP gets no answer, because it might misread one.
    if (exchange.error === ERRORS.protocolUnknown) return this.#nothing();
    const head = withFieldLines(statusLine(status), exchange.responseHeaders);
    if (status === 101) return `${head}connection: Upgrade\r\nupgrade: ${exchange.upgrade}\r\n\r\n`;
    if (last) this.last = true;
    return head + this.#framing(exchange) + this.#persistence(exchange) + '\r\n';
  }

  #nothing(): '' {
    this.bodiless = true;
    return '';
  }

  #framing({ status, version, responseLength }: Exchange): string {
    if (status === 204 || status < 200) return '';
    // RFC 9110 section 8.6: answers to HEAD, and 304, may have the length of the omitted body.
    if (responseLength >= 0) return `content-length: ${responseLength}\r\n`;
    if (this.bodiless) return '';
    if (version === 10) {
      this.last = true;
      return '';
    }
    this.chunked = true;
    return 'transfer-encoding: chunked\r\n';
  }

  #persistence({ version }: Exchange): string {
    if (this.last) return CLOSE;
    return version === 10 ? 'connection: keep-alive\r\n' : '';
  }
}
