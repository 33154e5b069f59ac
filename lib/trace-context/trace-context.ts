// Trace contexts as headers carry them: which trace a request belongs to, which span of its sender is the parent, and whether the sender keeps
// the trace. The texts are those of clients, so anything that is not exactly as specified counts as absent.

/** Flat list of names (lower case) and values. */
export type HeaderList = string[];

/** What the headers of a request say. */
export interface TraceParent {
  /** 32 hexadecimal digits in lower case, not all 0; '' if the headers have a decision only. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** Null: the sender leaves the decision to others. */
  readonly sampled: boolean | null;
}

/** A set of headers for trace contexts. */
export interface Propagator {
  /** The headers that `write` sets. */
  readonly names: readonly string[];
  /** Null without a valid context. */
  read(headers: readonly string[]): TraceParent | null;
  /** Appends the headers. */
  write(headers: HeaderList, traceId: string, spanId: string, sampled: boolean): void;
}

/** Whether the digits are hexadecimal, in lower case and not all 0. */
export function isId(text: string, length: number): boolean {
  if (text.length !== length) return false;
  let isZero = true;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code !== ZERO) isZero = false;
    if (!(code >= ZERO && code <= NINE) && !(code >= LOWER_A && code <= LOWER_F)) return false;
  }
  return !isZero;
}

export const TRACE_ID_DIGITS = 32;
export const SPAN_ID_DIGITS = 16;
const ZERO = 0x30;
const NINE = 0x39;
const LOWER_A = 0x61;
const LOWER_F = 0x66;
