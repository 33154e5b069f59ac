// W3C Trace Context (https://www.w3.org/TR/trace-context-2/): `traceparent`, and `tracestate`, which passes as it is.
import { isId, SPAN_ID_DIGITS, TRACE_ID_DIGITS } from './trace-context.ts';
import type { HeaderList, Propagator, TraceParent } from './trace-context.ts';
import { single } from './single.ts';

/** `00-<trace id>-<span id>-<flags>`. */
const LENGTH = 55;
const FLAGS = 53;
const VERSION_AND_DASHES = /^(?!ff)[0-9a-f]{2}-.{32}-.{16}-[0-9a-f]{2}(?:$|-)/;
/** The length up to which every party passes a tracestate on (section 3.3.1.5). */
const MAX_STATE = 512;
const STATE = /^[\x20-\x7e]*$/;

/** The context of a traceparent, or null if it is invalid. */
export function parseTraceparent(text: string): TraceParent | null {
  // Later versions may append something behind another dash; the first version has nothing there.
  if (text.length < LENGTH || (text.length > LENGTH && text.startsWith('00')) || !VERSION_AND_DASHES.test(text)) return null;
  const [traceId, spanId] = [text.slice(3, 35), text.slice(36, 52)];
  if (!isId(traceId, TRACE_ID_DIGITS) || !isId(spanId, SPAN_ID_DIGITS)) return null;
  return { traceId, spanId, sampled: (Number.parseInt(text.slice(FLAGS, LENGTH), 16) & 1) === 1 };
}

export function formatTraceparent(traceId: string, spanId: string, sampled: boolean): string {
  return '00-' + traceId + '-' + spanId + (sampled ? '-01' : '-00');
}

/** The tracestate of a request, for spans; '' without a valid one. */
export function traceStateOf(headers: readonly string[]): string {
  let state = '';
  for (let i = 0; i < headers.length; i += 2)
    if (headers[i] === 'tracestate') state = state === '' ? (headers[i + 1] as string) : `${state},${headers[i + 1]}`;
  return state.length <= MAX_STATE && STATE.test(state) ? state : '';
}

export const W3C: Propagator = {
  names: ['traceparent'],
  read(headers) {
    const text = single(headers, 'traceparent');
    return text === null ? null : parseTraceparent(text);
  },
  write(headers: HeaderList, traceId, spanId, sampled) {
    headers.push('traceparent', formatTraceparent(traceId, spanId, sampled));
  },
};
