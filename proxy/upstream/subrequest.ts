// Requests of the proxy itself to a backend, for filters that ask a service: an exchange of its own, balanced and sent like that of a client,
// whose answer is collected up to a limit.
import { Timer, type TimerWheel } from '#lib/timer-wheel.ts';
import { ERRORS, withDetail, type ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Headers } from '../exchange/headers.ts';
import type { RoutePlan, UpstreamCluster } from '../exchange/plan.ts';
import type { DownstreamStream } from '../exchange/stream.ts';
import type { Subrequest, SubrequestAnswer } from '../exchange/subrequest.ts';
import type { CallOutcome, CallSpan } from '../exchange/tracing.ts';
import { callOf, outcomeOf } from './service-call.ts';
import { serviceExchange } from './service-exchange.ts';

export interface SubrequestsOptions {
  readonly wheel: TimerWheel;
  readonly cluster: (key: string) => UpstreamCluster;
  /** The plan of requests with a protocol; null: that of the cluster. */
  readonly plan: (protocol: 'http2' | null) => RoutePlan;
  /** Sends an exchange with its whole body. */
  readonly forward: (exchange: Exchange, body: Buffer | null) => void;
  /** Ends an exchange whose answer is not wanted any more. */
  readonly leave: (exchange: Exchange, error: ExchangeError) => void;
}

export class Subrequests {
  readonly #options: SubrequestsOptions;

  constructor(options: SubrequestsOptions) {
    this.#options = options;
  }

  /** Sends a request to a cluster (key). Resolves to the answer, whatever its status, or to the reason why there is none. */
  readonly ask = (cluster: string, request: Subrequest): Promise<SubrequestAnswer | ExchangeError> => {
    if (request.signal?.aborted === true) return Promise.resolve(ERRORS.downstreamReset);
    return new Promise((resolve) => {
      const asked = new Asked(this.#options, request, resolve);
      this.#options.forward(this.#exchange(this.#options.cluster(cluster), request, asked), request.body);
    });
  };

  #exchange(cluster: UpstreamCluster, request: Subrequest, downstream: Asked): Exchange {
    const { protocol = null, trace = null } = request;
    const span = trace === null ? null : trace.call(callOf(request, cluster, protocol === 'http2'));
    const exchange = serviceExchange(request, cluster, this.#options.plan(protocol), downstream);
    if (span !== null) exchange.requestHeaders = span.headersWith(exchange.requestHeaders);
    downstream.start(exchange, span);
    return exchange;
  }
}

/** One request under way: collects the answer, and leaves when the time is up, the asker gives up or the answer is too large. */
class Asked extends Timer implements DownstreamStream {
  readonly #options: SubrequestsOptions;
  readonly #request: Subrequest;
  readonly #resolve: (answer: SubrequestAnswer | ExchangeError) => void;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #exchange: Exchange | null = null;
  /** Of the exchange that asks. */
  #span: CallSpan | null = null;

  constructor(options: SubrequestsOptions, request: Subrequest, resolve: (answer: SubrequestAnswer | ExchangeError) => void) {
    super(() => this.#leave(ERRORS.upstreamTimeout));
    this.#options = options;
    this.#request = request;
    this.#resolve = resolve;
  }

  start(exchange: Exchange, span: CallSpan | null): void {
    this.#exchange = exchange;
    this.#span = span;
    this.#options.wheel.arm(this, this.#request.timeout);
    this.#request.signal?.addEventListener('abort', this.#cancelled, { once: true });
  }

  readonly #cancelled = (): void => this.#leave(ERRORS.downstreamReset);

  #leave(error: ExchangeError): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#over(error);
    this.#options.leave(exchange, error);
  }

  #over(answer: SubrequestAnswer | ExchangeError): void {
    const exchange = this.#exchange;
    if (exchange === null) return;
    this.#exchange = null;
    if (this.#span !== null) this.#span.ended(this.#outcome(exchange, answer));
    this.#options.wheel.disarm(this);
    this.#request.signal?.removeEventListener('abort', this.#cancelled);
    this.#resolve(answer);
  }

  #outcome(exchange: Exchange, answer: SubrequestAnswer | ExchangeError): CallOutcome {
    if ('code' in answer) return outcomeOf(exchange, answer, null);
    return outcomeOf(exchange, null, this.#request.protocol === 'http2' ? (answer.trailers ?? answer.headers) : null);
  }

  writeInformational(): void {}

  writeHead(): void {}

  writeData(_: Exchange, chunk: Buffer): boolean {
    const { maxAnswerBytes } = this.#request;
    this.#bytes += chunk.length;
    if (this.#bytes > maxAnswerBytes)
      this.#leave(withDetail(ERRORS.upstreamMalformed, `the answer is larger than ${maxAnswerBytes} bytes`));
    else this.#chunks.push(Buffer.from(chunk));
    return true;
  }

  end({ error, status, responseHeaders }: Exchange, trailers: Headers | null): void {
    this.#over(error ?? { status, headers: responseHeaders, body: Buffer.concat(this.#chunks), trailers });
  }

  abort({ error }: Exchange): void {
    this.#over(error ?? ERRORS.upstreamReset);
  }

  lag(): number {
    return 0;
  }

  pauseRequest(): void {}

  resumeRequest(): void {}

  startTunnel(): void {}
}
