// The settings of circuit breakers. Plain data, because equal settings share a breaker.

/** When a breaker opens, and how it closes again. Numbers of 0 turn a reason off. */
export interface BreakerSettings {
  /** Of what it stops the requests. */
  readonly scope: 'Backend' | 'Endpoint';
  readonly consecutiveFailures: number;
  /** Percent of the requests of the window. */
  readonly failurePercent: number;
  readonly slowPercent: number;
  /** Milliseconds to the head of an answer, from which a request counts as slow. */
  readonly slowAfter: number;
  /** The number of requests in the window from which percentages count. */
  readonly minRequests: number;
  /** Milliseconds. */
  readonly window: number;
  /** Milliseconds until an open breaker lets requests pass on trial. */
  readonly openFor: number;
  /** Requests on trial at the same time. */
  readonly halfOpenRequests: number;
  /** Successful requests on trial until it closes. */
  readonly successThreshold: number;
}
