// The limits of a backend for requests under way. Plain data, because equal settings share a variant.
import type { GradientSettings } from './gradient-limit.ts';

/** Numbers of the whole proxy; 0 is no limit. */
export interface LimitSettings {
  /** Connections with a request, of all endpoints together. */
  readonly maxConnections: number;
  /** Requests that wait because all connections are taken. */
  readonly maxPendingRequests: number;
  /** Requests under way or waiting. */
  readonly maxParallelRequests: number;
  /** Attempts beyond the first of their request. */
  readonly maxParallelRetries: number;
  /** Requests under way at one endpoint. */
  readonly maxParallelRequestsPerEndpoint: number;
  /** The limit that follows the latency; null: none. */
  readonly adaptive: GradientSettings | null;
}

export const NO_LIMITS: LimitSettings = Object.freeze({
  maxConnections: 0,
  maxPendingRequests: 0,
  maxParallelRequests: 0,
  maxParallelRetries: 0,
  maxParallelRequestsPerEndpoint: 0,
  adaptive: null,
});

/** The share of one of the workers: they add up to at least the limits. */
export function shareOf(limits: LimitSettings, workers: number): LimitSettings {
  const { adaptive } = limits;
  const share = (limit: number): number => Math.ceil(limit / workers);
  return {
    maxConnections: share(limits.maxConnections),
    maxPendingRequests: share(limits.maxPendingRequests),
    maxParallelRequests: share(limits.maxParallelRequests),
    maxParallelRetries: share(limits.maxParallelRetries),
    maxParallelRequestsPerEndpoint: share(limits.maxParallelRequestsPerEndpoint),
    adaptive: adaptive && { ...adaptive, minRequests: share(adaptive.minRequests), maxRequests: share(adaptive.maxRequests) },
  };
}
