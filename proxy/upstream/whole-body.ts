// The whole body of a request for a filter, up to a limit. The part that was read is kept and sent to the backend as usual.
import type { BodyReading, Exchange } from '../exchange/exchange.ts';
import { removeHeader } from '../exchange/headers.ts';
import { KeptBody } from '../exchange/kept-body.ts';

const NOTHING = Buffer.alloc(0);

/** Resolves to null if the body is larger than the limit, or if the exchange ends before. Call it in the request half of a filter. */
export function wholeBody(exchange: Exchange, maxBytes: number): Promise<Buffer | null> {
  if (exchange.requestLength === 0 || exchange.upgrade !== '') return Promise.resolve(NOTHING);
  if (exchange.phase === 'done' || exchange.requestLength > maxBytes || exchange.requestBytes > maxBytes) return Promise.resolve(null);
  const kept = (exchange.replay ??= new KeptBody());
  if (exchange.requestEnded) return Promise.resolve(Buffer.concat(kept.pieces));
  return new Promise((resolve) => {
    exchange.reading = new Reading(kept, maxBytes, resolve);
    if (exchange.expectsContinue) sendContinue(exchange);
    exchange.downstream.resumeRequest();
  });
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
  readonly #resolve: (body: Buffer | null) => void;

  constructor(kept: KeptBody, maxBytes: number, resolve: (body: Buffer | null) => void) {
    this.#kept = kept;
    this.#maxBytes = maxBytes;
    this.#resolve = resolve;
  }

  data(exchange: Exchange, chunk: Buffer): void {
    this.#kept.keep(chunk);
    if (exchange.requestBytes <= this.#maxBytes) return;
    exchange.downstream.pauseRequest();
    this.#over(exchange, null);
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
