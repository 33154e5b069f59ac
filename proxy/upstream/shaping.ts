// The speed of the bodies of an exchange.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import type { BucketPair } from '../exchange/bandwidth.ts';
import type { BodyShaping, Exchange } from '../exchange/exchange.ts';
import { Throttle } from '../exchange/throttle.ts';

export class Shaping implements BodyShaping {
  readonly request: Throttle;
  readonly response: Throttle;

  constructor(exchange: Exchange, buckets: BucketPair, wheel: TimerWheel) {
    const client = { pause: () => exchange.downstream.pauseRequest(), resume: () => resumeRequest(exchange) };
    const backend = { pause: () => exchange.upstream?.pauseResponse(), resume: () => exchange.upstream?.resumeResponse() };
    this.request = new Throttle(buckets.request, client, wheel);
    this.response = new Throttle(buckets.response, backend, wheel);
  }

  stop(): void {
    this.request.stop();
    this.response.stop();
  }
}

/** While an attempt waits for a connection, bytes have no place to go; the attempt resumes the request. */
function resumeRequest(exchange: Exchange): void {
  if (exchange.gathering || exchange.upstream !== null) exchange.downstream.resumeRequest();
}
