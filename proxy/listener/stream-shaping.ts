// The speed of a forwarded connection, each way.
import type net from 'node:net';
import type { BucketPair } from '../exchange/bandwidth.ts';
import { Throttle } from '../exchange/throttle.ts';
import type { ThrottledSource } from '../exchange/throttle.ts';
import type { Timers } from './port-context.ts';

export class StreamShaping {
  readonly request: Throttle;
  readonly response: Throttle;

  constructor(buckets: BucketPair, downstream: net.Socket, upstream: ThrottledSource, wheel: Timers) {
    this.request = new Throttle(buckets.request, downstream, wheel);
    this.response = new Throttle(buckets.response, upstream, wheel);
  }

  /** Both sides are connected. */
  begin(): void {
    this.request.begin();
    this.response.begin();
  }

  /** The connection is over. */
  stop(): void {
    this.request.stop();
    this.response.stop();
  }
}
