// Calls of filters to a backend: exchanges of the proxy itself whose bodies go both ways at the same time.
import type { Call, CallEnd, CallListener, CallRequest } from '../exchange/call.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Headers } from '../exchange/headers.ts';
import type { RoutePlan, UpstreamCluster } from '../exchange/plan.ts';
import type { CallSpan } from '../exchange/tracing.ts';
import { UNKNOWN_LENGTH, type DownstreamEvents, type DownstreamStream } from '../exchange/stream.ts';
import { callOf, outcomeOf } from './service-call.ts';
import { serviceExchange } from './service-exchange.ts';

/** The part of the request path that a call uses, as a codec does for a client. */
export interface CallPath extends Pick<DownstreamEvents, 'requestData' | 'requestEnd' | 'downstreamDrained' | 'downstreamFailed'> {
  /** Sends an exchange whose body follows. */
  forwardStream(exchange: Exchange): void;
}

export interface CallsOptions {
  readonly cluster: (key: string) => UpstreamCluster;
  readonly plan: (protocol: 'http2') => RoutePlan;
  readonly path: CallPath;
}

export class Calls {
  readonly #options: CallsOptions;

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** Calls a cluster (key). */
  readonly open = (key: string, request: CallRequest, listener: CallListener): Call => {
    const { plan, path } = this.#options;
    const [cluster, head] = [this.#options.cluster(key), { ...request, method: 'POST' }];
    const span = request.trace?.call(callOf(head, cluster, true)) ?? null;
    const call = new OpenedCall(path, listener, span);
    const exchange = serviceExchange(head, cluster, plan('http2'), new CallReceiver(call));
    if (span !== null) exchange.requestHeaders = span.headersWith(exchange.requestHeaders);
    exchange.requestLength = UNKNOWN_LENGTH;
    call.start(exchange);
    return call;
  };
}

class OpenedCall implements Call {
  readonly #path: CallPath;
  readonly #listener: CallListener;
  /** Of the exchange that the call is for. */
  readonly #span: CallSpan | null;
  /** Null before the start and after the end. */
  #exchange: Exchange | null = null;
  #isFull = false;

  constructor(path: CallPath, listener: CallListener, span: CallSpan | null) {
    this.#path = path;
    this.#listener = listener;
    this.#span = span;
  }

  start(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#path.forwardStream(exchange);
  }

  write(chunk: Buffer): boolean {
    if (this.#exchange !== null) this.#path.requestData(this.#exchange, chunk);
    return !this.#isFull;
  }

  end(): void {
    if (this.#exchange !== null && !this.#exchange.requestEnded) this.#path.requestEnd(this.#exchange, null);
  }

  cancel(): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (exchange === null) return;
    this.#span?.ended(outcomeOf(exchange, ERRORS.downstreamReset, null));
    this.#path.downstreamFailed(exchange, ERRORS.downstreamReset);
  }

  resume(): void {
    if (this.#exchange !== null) this.#path.downstreamDrained(this.#exchange);
  }

  // For the receiver of the answer

  head(status: number, headers: Headers): void {
    if (this.#exchange !== null) this.#listener.head(status, headers);
  }

  data(chunk: Buffer): boolean {
    return this.#exchange === null || this.#listener.data(chunk);
  }

  over(end: CallEnd): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#exchange = null;
    this.#span?.ended('trailers' in end ? outcomeOf(exchange, null, end.trailers) : outcomeOf(exchange, end, null));
    this.#listener.over(end);
  }

  full(isFull: boolean): void {
    const wasFull = this.#isFull;
    this.#isFull = isFull;
    if (wasFull && !isFull && this.#exchange !== null) this.#listener.drained();
  }
}

/** Gets the answer of a call, as a codec does that of a client. */
class CallReceiver implements DownstreamStream {
  readonly #call: OpenedCall;

  constructor(call: OpenedCall) {
    this.#call = call;
  }

  writeInformational(): void {}

  /** An answer of the proxy itself is an error, and no answer. */
  writeHead({ error, status, responseHeaders }: Exchange): void {
    if (error === null) this.#call.head(status, responseHeaders);
  }

  writeData({ error }: Exchange, chunk: Buffer): boolean {
    return error !== null || this.#call.data(chunk);
  }

  /** A call without messages has its status in the head. */
  end({ error, responseHeaders }: Exchange, trailers: Headers | null): void {
    this.#call.over(error ?? { trailers: trailers ?? responseHeaders });
  }

  abort({ error }: Exchange): void {
    this.#call.over(error ?? ERRORS.upstreamReset);
  }

  lag(): number {
    return 0;
  }

  pauseRequest(): void {
    this.#call.full(true);
  }

  resumeRequest(): void {
    this.#call.full(false);
  }

  startTunnel(): void {}
}
