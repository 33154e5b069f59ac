// Trace contexts in headers, in the formats of the settings.
import { B3, B3_MULTI } from '#lib/trace-context/b3.ts';
import type { Propagator, TraceParent } from '#lib/trace-context/trace-context.ts';
import { W3C } from '#lib/trace-context/w3c.ts';
import { removeHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { ExchangeTrace, Propagation, TracingSettings } from '../../exchange/tracing.ts';

const PROPAGATORS: Readonly<Record<Propagation, Propagator>> = { W3C, B3, B3Multi: B3_MULTI };

/** What a context is written from. */
export interface ContextSource extends Pick<ExchangeTrace, 'traceId' | 'sampled'> {
  readonly settings: TracingSettings;
}

/** The first valid context; null without one. */
export function callerOf(headers: readonly string[], { propagation }: TracingSettings): TraceParent | null {
  for (const format of propagation) {
    const context = PROPAGATORS[format].read(headers);
    if (context !== null) return context;
  }
  return null;
}

export function removeContext(headers: Headers, { propagation }: TracingSettings): void {
  for (const format of propagation) for (const name of PROPAGATORS[format].names) removeHeader(headers, name);
}

/** The headers of a context. */
export function contextOf({ traceId, sampled, settings }: ContextSource, spanId: string): Headers {
  const headers: Headers = [];
  for (const format of settings.propagation) PROPAGATORS[format].write(headers, traceId, spanId, sampled);
  return headers;
}

/** These headers with a context in place of any other. */
export function withContext(headers: readonly string[], from: ContextSource, spanId: string): Headers {
  const own: Headers = [...headers];
  removeContext(own, from.settings);
  own.push(...contextOf(from, spanId));
  return own;
}
