// Ids of traces and spans: random digits, cut from a text that is made for some hundred ids at a time, since a call of the generator costs
// more than the rest of a trace.
import { randomBytes } from 'node:crypto';

const BYTES = 8_192;
const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

let digits = '';
let position = 0;

/** 32 hexadecimal digits, at least one of the last 16 not 0. */
export function newTraceId(): string {
  return next(TRACE_DIGITS);
}

/** 16 hexadecimal digits, not all 0. */
export function newSpanId(): string {
  return next(SPAN_DIGITS);
}

function next(count: number): string {
  if (position + count > digits.length) {
    // The last digit of every 16 is not 0, so that no id is all zeros, which is invalid.
    const bytes = randomBytes(BYTES);
    for (let i = 7; i < BYTES; i += 8) if (bytes[i] === 0) bytes[i] = 1;
    digits = bytes.toString('hex');
    position = 0;
  }
  const start = position;
  position += count;
  return digits.slice(start, position);
}
