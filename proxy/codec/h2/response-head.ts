// The head of an answer: header list > exchange, or false to reject it (RFC 9113 section 8.3.2). An accepted answer can be written as
// HTTP/1.1 without a change of its meaning.
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { parseLength } from '../h1/fields.ts';
import { fieldKind, isValue } from './field-kinds.ts';
import type { FieldKind } from './field-kinds.ts';

/** The result of the last head, reused for each. */
export const responseHead = {
  status: 0,
  headers: [] as Headers,
  /** UNKNOWN_LENGTH if not announced. */
  length: UNKNOWN_LENGTH,
};

/** Reads a header list. False: malformed. */
export function takeResponseHead(list: readonly string[]): boolean {
  responseHead.headers = [];
  responseHead.length = UNKNOWN_LENGTH;
  if (list[0] !== ':status' || !takeStatus(list[1] as string)) return false;
  for (let i = 2; i < list.length; i += 2) {
    const name = list[i] as string;
    const value = list[i + 1] as string;
    if (!isValue(value) || !takeField(name, value, fieldKind(name))) return false;
  }
  return true;
}

/** Three digits, 100 and above; it is the only pseudo-header of an answer, and so the first. */
function takeStatus(value: string): boolean {
  responseHead.status = value.length === 3 ? parseLength(value) : -1;
  return responseHead.status >= 100;
}

function takeField(name: string, value: string, kind: FieldKind): boolean {
  if (kind === 'plain') {
    responseHead.headers.push(name, value);
    return true;
  }
  if (name.charCodeAt(0) === 0x3a || kind === 'malformed') return false;
  if (kind === 'content-length') {
    if (responseHead.length !== UNKNOWN_LENGTH) return false;
    responseHead.length = parseLength(value);
    return responseHead.length >= 0;
  }
  // Names that have a meaning in requests only.
  if (kind === 'cookie' || kind === 'host' || kind === 'expect') responseHead.headers.push(name, value);
  return true;
}
