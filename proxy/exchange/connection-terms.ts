// The terms on which connections to endpoints are opened, shared and kept: those of the worker, or those of a use of a backend.
import type { Limits } from './limits.ts';

/** The terms of one request or connection. A limit is Infinity and a timeout 0 if there is none. */
export interface ConnectionTerms {
  /** Connections to one endpoint from which on a request opens no further one. */
  readonly maxConnections: number;
  /** Requests that wait for a connection to one endpoint from which on a further one is refused. */
  readonly maxPending: number;
  /** Requests on one connection, one after the other or at the same time. */
  readonly maxRequests: number;
  /** Requests at the same time on one HTTP/2 connection. */
  readonly maxStreams: number;
  /** Milliseconds. */
  readonly idleTimeout: number;
  readonly connectTimeout: number;
}

/** The terms that a use of a backend sets; the flags of the worker have the others. 0 is no limit and no timeout. */
export type ConnectionPlan = Partial<ConnectionTerms>;

/** The limits of a worker that the terms replace. */
export type TermLimits = Pick<
  Limits,
  'maxConnectionsPerEndpoint' | 'maxPendingPerEndpoint' | 'maxStreamsPerUpstream' | 'poolIdleTimeout' | 'connectTimeout'
>;

/** The terms of a use; null: those of the worker. */
export function termsOf(plan: ConnectionPlan | null, limits: TermLimits): ConnectionTerms {
  const terms = {
    maxConnections: limits.maxConnectionsPerEndpoint,
    maxPending: limits.maxPendingPerEndpoint,
    maxRequests: Infinity,
    maxStreams: limits.maxStreamsPerUpstream,
    idleTimeout: limits.poolIdleTimeout,
    connectTimeout: limits.connectTimeout,
  };
  for (const [name, value] of Object.entries(plan ?? {}) as [keyof ConnectionTerms, number][])
    terms[name] = value === 0 && name.startsWith('max') ? Infinity : value;
  return terms;
}
