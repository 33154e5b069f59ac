// The whole body of a request for a filter, up to a limit. The part that was read is kept and sent to the backend as usual.
import type { BodyReading, Exchange } from '../exchange/exchange.ts';
import { removeHeader } from '../exchange/headers.ts';
import { KeptBody } from '../exchange/kept-body.ts';

const NOTHING = Buffer.alloc(0);

/** Resolves to null if the body is larger than the limit, or if the exchange ends before. Call it in the request half of a filter. */
export function wholeBody(exchange: Exchange, maxBytes: number): Promise<Buffer | null> {
  if (exchange.requestLength > maxBytes && exchange.upgrade === '') return Promise.resolve(null);
  return read(exchange, maxBytes, false);
}

/** The same, but resolves to the beginning of a larger body. */
export function bodyStart(exchange: Exchange, maxBytes: number): Promise<Buffer | null> {
  return read(exchange, maxBytes, true);
}

function read(exchange: Exchange, maxBytes: number, takesPart: boolean): Promise<Buffer | null> {
  if (exchange.requestLength === 0 || exchange.upgrade !== '') return Promise.resolve(NOTHING);
  if (exchange.phase === 'done') return Promise.resolve(null);
  const kept = (exchange.replay ??= new KeptBody());
  const reading = new Reading(kept, maxBytes, takesPart);
  if (exchange.requestEnded || exchange.requestBytes > maxBytes) return Promise.resolve(reading.result(exchange));
  return reading.start(exchange);
}

/** The client waits for the proxy, so the backend must not be asked (RFC 9110 section 10.1.1). */
function sendContinue(exchange: Exchange): void {
  exchange.expectsContinue = false;
  removeHeader(exchange.requestHeaders, 'expect');
  exchange.downstream.writeInformational(100, []);
}

class Reading implements BodyReading {
  readonly #kept: KeptBody;
  readonly #maxBytes: number;
  readonly #takesPart: boolean;
  #resolve: (body: Buffer | null) => void = () => undefined;

  constructor(kept: KeptBody, maxBytes: number, takesPart: boolean) {
    this.#kept = kept;
    this.#maxBytes = maxBytes;
    this.#takesPart = takesPart;
  }

  start(exchange: Exchange): Promise<Buffer | null> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      exchange.reading = this;
      if (exchange.expectsContinue) sendContinue(exchange);
      exchange.downstream.resumeRequest();
    });
  }

  /** What has been read, within the limit. */
  result({ requestBytes }: Exchange): Buffer | null {
    if (requestBytes <= this.#maxBytes) return Buffer.concat(this.#kept.pieces);
    return this.#takesPart ? Buffer.concat(this.#kept.pieces).subarray(0, this.#maxBytes) : null;
  }

  data(exchange: Exchange, chunk: Buffer): void {
    this.#kept.keep(chunk);
    if (exchange.requestBytes <= this.#maxBytes) return;
    exchange.downstream.pauseRequest();
    this.#over(exchange, this.result(exchange));
  }

  end(exchange: Exchange): void {
    this.#over(exchange, Buffer.concat(this.#kept.pieces));
  }

  leave(exchange: Exchange): void {
    this.#over(exchange, null);
  }

  #over(exchange: Exchange, body: Buffer | null): void {
    exchange.reading = null;
    this.#resolve(body);
  }
}
