// The head of an answer: bytes > exchange, or the reason to reject it.
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { FIELD_VALUE } from './characters.ts';
import { Fields } from './fields.ts';
import { Head } from './head.ts';
import { isBodiless } from './status-lines.ts';

const head = new Head();
/** One per worker: parsing is synchronous. */
const fields = new Fields();

/** How the body of an answer ends. */
export type BodyKind = 'none' | 'length' | 'chunked' | 'close';

/** The result of the last parse, reused for each answer. */
export const responseHead = {
  status: 0,
  /** 10 or 11. */
  version: 11,
  headers: [] as Headers,
  length: 0,
  body: 'none' as BodyKind,
  keepAlive: false,
  upgrade: '',
};

/** Parses the complete head, `bytes[start, end)` with its empty line, of an answer to `exchange`. */
export function parseResponseHead(bytes: Buffer, start: number, end: number, exchange: Exchange, maxHeaders: number): ExchangeError | null {
  head.take(bytes, start, end);
  const lineEnd = parseStatusLine(bytes, start);
  if (lineEnd < 0 || !fields.parse(head, lineEnd, maxHeaders)) return ERRORS.upstreamMalformed;
  responseHead.headers = fields.headers;
  responseHead.upgrade = fields.upgrade;
  const version11 = bytes[start + 7] === 0x31;
  responseHead.version = version11 ? 11 : 10;
  responseHead.keepAlive = !fields.close && (version11 || fields.keepAlive);
  return takeBody(exchange, version11);
}

/** `HTTP/1.x SP 3DIGIT [SP reason] CRLF`; returns the start of the header block, or -1. */
function parseStatusLine(bytes: Buffer, start: number): number {
  if (!head.has('HTTP/1.1 ', start) && !head.has('HTTP/1.0 ', start)) return -1;
  const status = digitAt(bytes, start + 9) * 100 + digitAt(bytes, start + 10) * 10 + digitAt(bytes, start + 11);
  if (!(status >= 100)) return -1;
  const reason = start + 12;
  let position = reason;
  while (FIELD_VALUE[bytes[position] as number] === 1) position++;
  if (position > reason && bytes[reason] !== 0x20) return -1;
  if (bytes[position] !== 0x0d || bytes[position + 1] !== 0x0a) return -1;
  responseHead.status = status;
  return position + 2;
}

function digitAt(bytes: Buffer, position: number): number {
  const value = (bytes[position] as number) - 0x30;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}

/** RFC 9112 section 6.3. */
function takeBody(exchange: Exchange, version11: boolean): ExchangeError | null {
  if (fields.chunked && (!version11 || isLengthless(responseHead.status))) return ERRORS.upstreamMalformed;
  // A backend that announces a body may also send it.
  if (fields.contentLength > 0 && isLengthless(responseHead.status)) responseHead.keepAlive = false;
  responseHead.body = isBodiless(responseHead.status) || exchange.method === 'HEAD' ? 'none' : bodyKind();
  // -1 without Content-Length.
  responseHead.length = fields.chunked ? UNKNOWN_LENGTH : fields.contentLength;
  return null;
}

/** Statuses that must not announce a length (RFC 9112 section 6.1, RFC 9110 section 8.6). */
function isLengthless(status: number): boolean {
  return status === 204 || status < 200;
}

function bodyKind(): BodyKind {
  if (fields.chunked) return 'chunked';
  if (fields.contentLength === 0) return 'none';
  return fields.contentLength > 0 ? 'length' : 'close';
}
