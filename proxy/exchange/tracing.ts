// What the request path and logs know of traces. Exchanges have a trace only if tracing is on.

import type { ExchangeCondition } from './route-telemetry.ts';

/** How trace contexts travel in headers: W3C Trace Context, or B3 in one header or in several. */
export type Propagation = 'W3C' | 'B3' | 'B3Multi';

/** What the decision of a caller about its trace is worth. */
export type ParentMode = 'Follow' | 'Ignore' | 'Restart';

/** A call of a filter to a service, for an exchange. */
export interface ServiceCall {
  readonly protocol: 'http' | 'grpc' | 'redis';
  /** Of HTTP: the method; of Redis: the command; of gRPC: '/package.Service/Method'. */
  readonly method: string;
  /** Without its query; '' for Redis. */
  readonly url: string;
  /** The key of the backend; '' without one. */
  readonly backend: string;
}

/** How a call ended. */
export interface CallOutcome {
  /** Of HTTP or gRPC; -1: none came. */
  readonly status: number;
  /** Why there is no answer, a code or a word; '' with one. */
  readonly error: string;
  /** The endpoint of the call; null if it is not known. */
  readonly endpoint: { readonly address: string; readonly port: number } | null;
}

/** The span of a call, from the start of the call on. */
export interface CallSpan {
  /** These headers with the trace context of the call. */
  headersWith(headers: readonly string[]): string[];
  /** The call is over. Without it, the span ends with the exchange. */
  ended(outcome: CallOutcome): void;
}

/** The trace of an exchange, for logs, exemplars and calls of filters. */
export interface ExchangeTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** The span of the request, 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether its spans are kept in any case. Those of errors and slow requests are kept besides. */
  readonly sampled: boolean;
  /** Begins the span of a call; null: the exchange has too many. */
  call(call: ServiceCall): CallSpan | null;
}

/** An attribute of all spans of requests: a fixed value, or that of a header of the request. */
export interface TracedAttribute {
  readonly name: string;
  /** Lower case; null: the value is fixed. */
  readonly header: string | null;
  /** The fixed value. */
  readonly value: string;
}

/** How requests are traced. */
export interface TracingSettings {
  readonly enabled: boolean;
  /** The share of traces that is kept, 0 to 1. */
  readonly share: number;
  /** `Follow`: the caller decides if it does; `Ignore`: the share decides; `Restart`: every request begins a trace, with a link to its caller. */
  readonly parent: ParentMode;
  /** Failed requests are kept whatever the share. */
  readonly errors: boolean;
  /** So are requests that take so many milliseconds; 0: none. */
  readonly slowMs: number;
  /** And requests for which this is true; null: none. */
  readonly always: ExchangeCondition | null;
  /** The first valid context is read, and all are written. */
  readonly propagation: readonly Propagation[];
  /** Whether `baggage` passes. */
  readonly baggage: boolean;
  readonly attributes: readonly TracedAttribute[];
}

/** The settings of a policy; null: those of the proxy. */
export type TracingPlan = { readonly [Name in keyof TracingSettings]: TracingSettings[Name] | null };

/** Of a proxy without flags. */
export const DEFAULT_TRACING: TracingSettings = Object.freeze({
  enabled: true,
  share: 0.01,
  parent: 'Follow',
  errors: true,
  slowMs: 0,
  always: null,
  propagation: ['W3C'] as const,
  baggage: true,
  attributes: [],
});
