// B3 propagation (https://github.com/openzipkin/b3-propagation): in one header `b3`, or in several `x-b3-...`. Its trace ids may be 64 bits long.
import { single } from './single.ts';
import { isId, SPAN_ID_DIGITS, TRACE_ID_DIGITS } from './trace-context.ts';
import type { HeaderList, Propagator, TraceParent } from './trace-context.ts';

/** The decision, as both forms write it; `d` is debug, which keeps the trace. */
const DECISIONS: ReadonlyMap<string, boolean> = new Map([
  ['0', false],
  ['1', true],
  ['d', true],
  ['false', false],
  ['true', true],
]);
const UPPER_HALF = '0'.repeat(TRACE_ID_DIGITS - SPAN_ID_DIGITS);
/** `<trace id>-<span id>-<decision>-<parent span id>`. */
const PATTERN = /^([0-9a-f]{16}){1,2}-[0-9a-f]{16}(-[01d](-(?!0{16})[0-9a-f]{16})?)?$/;

/** The context of a header b3, or null if it is invalid. */
export function parseB3(text: string): TraceParent | null {
  if (text.length === 1) return decisionOnly(text);
  return PATTERN.test(text) ? contextOf(...(text.split('-', 3) as [string, string, string?])) : null;
}

function contextOf(traceId: string, spanId: string, decision: string | null = null): TraceParent | null {
  const isShort = traceId.length === SPAN_ID_DIGITS;
  if (!isId(traceId, isShort ? SPAN_ID_DIGITS : TRACE_ID_DIGITS) || !isId(spanId, SPAN_ID_DIGITS)) return null;
  const sampled = decision === null ? null : DECISIONS.get(decision);
  return sampled === undefined ? null : { traceId: isShort ? UPPER_HALF + traceId : traceId, spanId, sampled };
}

function decisionOnly(text: string): TraceParent | null {
  const sampled = DECISIONS.get(text);
  return sampled === undefined ? null : { traceId: '', spanId: '', sampled };
}

export const B3: Propagator = {
  names: ['b3'],
  read(headers) {
    const text = single(headers, 'b3');
    return text === null ? null : parseB3(text);
  },
  write(headers: HeaderList, traceId, spanId, sampled) {
    headers.push('b3', `${traceId}-${spanId}-${sampled ? '1' : '0'}`);
  },
};

export const B3_MULTI: Propagator = {
  names: ['x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags'],
  read(headers) {
    const [traceId, spanId] = [single(headers, 'x-b3-traceid'), single(headers, 'x-b3-spanid')];
    // Flags of 1 are debug, and then there is no decision besides them.
    const decision = single(headers, 'x-b3-flags') === '1' ? 'd' : single(headers, 'x-b3-sampled');
    if (traceId !== null && spanId !== null) return contextOf(traceId, spanId, decision);
    return traceId === null && spanId === null && decision !== null ? decisionOnly(decision) : null;
  },
  write(headers: HeaderList, traceId, spanId, sampled) {
    headers.push('x-b3-traceid', traceId, 'x-b3-spanid', spanId, 'x-b3-sampled', sampled ? '1' : '0');
  },
};
