import { describe, expect, test } from '@jest/globals';
import { B3, B3_MULTI, parseB3 } from './b3.ts';
import { newSpanId, newTraceId } from './ids.ts';
import { isInShare } from './sampling.ts';
import { isId } from './trace-context.ts';
import type { Propagator } from './trace-context.ts';
import { formatTraceparent, parseTraceparent, traceStateOf, W3C } from './w3c.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const HALF = 'a3ce929d0e0e4736';

describe('traceparent', () => {
  test.each([
    ['sampled', `00-${TRACE}-${SPAN}-01`, true],
    ['not sampled', `00-${TRACE}-${SPAN}-00`, false],
    ['with flags of later versions', `00-${TRACE}-${SPAN}-fe`, false],
    ['of a later version', `cc-${TRACE}-${SPAN}-01`, true],
    ['of a later version with more behind', `cc-${TRACE}-${SPAN}-01-what.the.future.brings`, true],
  ])('%s is read', (_, text, sampled) => {
    expect(parseTraceparent(text)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  test.each([
    ['empty', ''],
    ['short', `00-${TRACE}-${SPAN}-0`],
    ['of version ff', `ff-${TRACE}-${SPAN}-01`],
    ['of version 00 with more behind', `00-${TRACE}-${SPAN}-01-x`],
    ['of a later version with more behind, without a dash', `cc-${TRACE}-${SPAN}-01x`],
    ['in upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
    ['with a trace id of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['with a span id of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
    ['with other signs', `00-${TRACE.slice(1)}g-${SPAN}-01`],
    ['with other separators', `00_${TRACE}_${SPAN}_01`],
    ['with flags that are no digits', `00-${TRACE}-${SPAN}-0x`],
    ['with a line break', `00-${TRACE}-${SPAN}-01\n`],
    ['very long', `cc-${TRACE}-${'-'.repeat(100_000)}`],
  ])('%s is ignored', (_, text) => {
    expect(parseTraceparent(text)).toBeNull();
  });

  test('sent twice is ignored', () => {
    const text = formatTraceparent(TRACE, SPAN, true);
    expect(W3C.read(['traceparent', text])).not.toBeNull();
    expect(W3C.read(['traceparent', text, 'traceparent', text])).toBeNull();
  });
});

describe('tracestate', () => {
  test.each([
    ['one list', ['tracestate', 'a=1,b=2'], 'a=1,b=2'],
    ['two headers', ['tracestate', 'a=1', 'x', 'y', 'tracestate', 'b=2'], 'a=1,b=2'],
    ['none', ['x', 'y'], ''],
    ['a long one', ['tracestate', `a=${'1'.repeat(511)}`], ''],
    ['signs outside of ASCII', ['tracestate', 'a=\u00e9'], ''],
  ])('%s', (_, headers, state) => {
    expect(traceStateOf(headers)).toBe(state);
  });
});

describe('b3', () => {
  test.each([
    ['with ids only', `${TRACE}-${SPAN}`, { traceId: TRACE, spanId: SPAN, sampled: null }],
    ['with a decision', `${TRACE}-${SPAN}-1`, { traceId: TRACE, spanId: SPAN, sampled: true }],
    ['with a decision against', `${TRACE}-${SPAN}-0`, { traceId: TRACE, spanId: SPAN, sampled: false }],
    ['for debugging, with the parent', `${TRACE}-${SPAN}-d-${HALF}`, { traceId: TRACE, spanId: SPAN, sampled: true }],
    ['with a trace id of 64 bits', `${HALF}-${SPAN}-1`, { traceId: `${'0'.repeat(16)}${HALF}`, spanId: SPAN, sampled: true }],
    ['with a decision only', '0', { traceId: '', spanId: '', sampled: false }],
  ])('%s is read', (_, text, context) => {
    expect(parseB3(text)).toEqual(context);
  });

  test.each([
    '',
    '2',
    '-',
    `${TRACE}`,
    `${TRACE}-`,
    `${TRACE}-${SPAN}-`,
    `${TRACE}-${SPAN}-true`,
    `${TRACE}-${SPAN}-1-`,
    `${TRACE}-${SPAN}-1-${SPAN}-1`,
    `${'0'.repeat(32)}-${SPAN}-1`,
    `${TRACE}-${SPAN.toUpperCase()}-1`,
    `${TRACE.slice(1)}-${SPAN}-1`,
    `${TRACE}-${SPAN}-1-${'x'.repeat(16)}`,
    '-'.repeat(100_000),
  ])('%p is ignored', (text) => {
    expect(parseB3(text)).toBeNull();
  });

  test.each([
    ['ids', ['x-b3-traceid', TRACE, 'x-b3-spanid', SPAN], { traceId: TRACE, spanId: SPAN, sampled: null }],
    ['a decision', ['x-b3-sampled', 'true'], { traceId: '', spanId: '', sampled: true }],
    ['debug flags', ['x-b3-traceid', HALF, 'x-b3-spanid', SPAN, 'x-b3-flags', '1', 'x-b3-sampled', '0'], { sampled: true }],
  ])('in several headers: %s', (_, headers, context) => {
    expect(B3_MULTI.read(headers)).toMatchObject(context);
  });

  test.each([
    [['x-b3-traceid', TRACE]],
    [['x-b3-spanid', SPAN, 'x-b3-sampled', '1']],
    [['x-b3-traceid', TRACE, 'x-b3-traceid', TRACE, 'x-b3-spanid', SPAN]],
    [['x-b3-traceid', TRACE, 'x-b3-spanid', SPAN, 'x-b3-sampled', 'yes']],
  ])('in several headers: %j is ignored', (headers) => {
    expect(B3_MULTI.read(headers)).toBeNull();
  });
});

test.each([
  ['W3C', W3C],
  ['B3', B3],
  ['B3_MULTI', B3_MULTI],
] as readonly (readonly [string, Propagator])[])('%s reads what it writes', (_, propagator) => {
  for (const sampled of [true, false]) {
    const headers: string[] = [];
    propagator.write(headers, TRACE, SPAN, sampled);
    expect(propagator.read(headers)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
    expect(propagator.names).toEqual(expect.arrayContaining(headers.filter((_each, i) => i % 2 === 0)));
  }
});

test('ids are valid and distinct', () => {
  const ids = Array.from({ length: 2_000 }, () => [newTraceId(), newSpanId()] as const);
  expect(ids.every(([trace, span]) => isId(trace, 32) && isId(span, 16))).toBe(true);
  expect(new Set(ids.flat()).size).toBe(4_000);
});

describe('a share of traces', () => {
  test.each([0, 0.01, 0.5, 1])('of %d is kept', (share) => {
    const kept = Array.from({ length: 20_000 }, newTraceId).filter((id) => isInShare(id, share)).length;
    // Five standard deviations.
    const tolerance = 5 * Math.sqrt(20_000 * share * (1 - share));
    expect(Math.abs(kept - 20_000 * share)).toBeLessThanOrEqual(tolerance);
  });

  test('is part of every larger share', () => {
    for (let i = 0; i < 1_000; i++) {
      const id = newTraceId();
      if (isInShare(id, 0.1)) expect(isInShare(id, 0.2)).toBe(true);
    }
  });
});
