// The head of a request: bytes > exchange, or the reason to refuse it (RFC 9112 sections 2 and 3, and stricter where they allow).
import { portAt } from '../../exchange/authority.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { TARGET, TOKEN } from './characters.ts';
import { Fields } from './fields.ts';
import { Head } from './head.ts';
import type { H1Settings } from './settings.ts';

const SP = 0x20;
const SLASH = 0x2f;
const QUESTION = 0x3f;
/** Longer methods do not exist. */
const MAX_METHOD = 32;

/** The name and version of a protocol that is not HTTP. */
const LONGEST_PROTOCOL = 32;

const head = new Head();
/** One per worker: parsing never waits. */
const fields = new Fields();

/** The result of a parsed head. */
export interface RequestHead {
  /** The reason to refuse the request; null if it is valid. */
  error: ExchangeError | null;
  /** The client keeps the connection open after the answer. */
  keepAlive: boolean;
}

/** The last result, reused for each request. */
export const requestHead: RequestHead = { error: null, keepAlive: false };

/** Parses a complete head, `bytes[start, end)` with its empty line, into the exchange. */
export function parseRequestHead(
  bytes: Buffer,
  start: number,
  end: number,
  exchange: Exchange,
  settings: H1Settings,
): ExchangeError | null {
  head.take(bytes, start, end);
  requestHead.keepAlive = false;
  requestHead.error = parseRequestLine(exchange, settings) ?? parseFields(exchange, settings);
  return requestHead.error;
}

let targetStart = 0;
let targetEnd = 0;
let lineEnd = 0;

function parseRequestLine(exchange: Exchange, settings: H1Settings): ExchangeError | null {
  const { bytes, start } = head;
  let position = start;
  while (TOKEN[bytes[position] as number] === 1) position++;
  if (position === start || position - start > MAX_METHOD || bytes[position] !== SP) return ERRORS.requestMalformed;
  exchange.method = head.slice(start, position);
  targetStart = ++position;
  while (TARGET[bytes[position] as number] === 1) position++;
  targetEnd = position;
  if (targetEnd === targetStart || bytes[position] !== SP) return ERRORS.requestMalformed;
  if (targetEnd - targetStart > settings.limits.maxTargetBytes) return ERRORS.requestTargetTooLong;
  lineEnd = position + 11;
  return parseVersion(position + 1, exchange);
}

function parseVersion(position: number, exchange: Exchange): ExchangeError | null {
  if (head.has('HTTP/1.1\r\n', position)) exchange.version = 11;
  else if (head.has('HTTP/1.0\r\n', position)) exchange.version = 10;
  else return versionError(position);
  return null;
}

/** A line with the version of another protocol (RTSP, SIP, a broken preface of HTTP/2) is not an HTTP request. */
function versionError(position: number): ExchangeError {
  if (/^HTTP\/[0-9]\.[0-9]\r\n/.test(head.slice(position, position + 10))) return ERRORS.versionUnsupported;
  const other = /^(?!HTTP)[A-Z]{3,}(\/[0-9.]+)?\r\n/.test(head.slice(position, position + LONGEST_PROTOCOL));
  return other ? ERRORS.protocolUnknown : ERRORS.requestMalformed;
}

function parseFields(exchange: Exchange, settings: H1Settings): ExchangeError | null {
  if (!fields.parse(head, lineEnd, settings.limits.maxHeaders)) return fieldsError();
  exchange.requestHeaders = fields.headers;
  exchange.contentLength = fields.contentLength;
  const framing = takeFraming(exchange);
  if (framing !== null) return framing;
  requestHead.keepAlive = exchange.version === 11 ? !fields.close : fields.keepAlive && !fields.close;
  if (fields.upgrade !== '') takeUpgrade(exchange);
  return takeTarget(exchange, settings) ?? takeExpectation(exchange);
}

function takeUpgrade(exchange: Exchange): void {
  exchange.askedUpgrade = fields.upgrade;
  if (mayUpgrade(exchange)) exchange.upgrade = fields.upgrade;
}

/**
 * Upgrade may be ignored (RFC 9110 section 7.8). It is ignored if it names more than one protocol, if the request has a body before the new
 * protocol, and for h2c, with which a client could bypass the routes.
 */
function mayUpgrade(exchange: Exchange): boolean {
  if (!fields.connectionUpgrade || exchange.version === 10 || exchange.requestLength !== 0) return false;
  return !fields.upgrade.includes(',') && !fields.upgrade.startsWith('h2c');
}

function fieldsError(): ExchangeError {
  if (fields.error === 'tooMany') return ERRORS.requestHeadTooLarge;
  return fields.error === 'unsupportedCoding' ? ERRORS.requestCodingUnsupported : ERRORS.requestMalformed;
}

function takeFraming(exchange: Exchange): ExchangeError | null {
  if (fields.chunked) {
    // RFC 9112 section 6.1: in a 1.0 message a transfer coding is faulty framing.
    if (exchange.version === 10) return ERRORS.requestMalformed;
    exchange.requestLength = UNKNOWN_LENGTH;
  } else {
    exchange.requestLength = Math.max(0, fields.contentLength);
  }
  return null;
}

function takeTarget(exchange: Exchange, settings: H1Settings): ExchangeError | null {
  if (fields.host === null && exchange.version === 11) return ERRORS.requestMalformed;
  exchange.authority = fields.host ?? '';
  if (exchange.method === 'CONNECT') return connectError(settings);
  if (head.bytes[targetStart] !== SLASH) return takeOtherTarget(head.slice(targetStart, targetEnd), exchange, settings);
  return takeHost(exchange, settings) ?? takePath(exchange, settings);
}

/** RFC 9110 section 9.3.6: CONNECT has a host and a port. Gateways do not support it. */
function connectError(settings: H1Settings): ExchangeError {
  const target = head.slice(targetStart, targetEnd);
  const named = portAt(target) < target.length - 1 && settings.normaliseHost(target);
  return named ? ERRORS.methodUnsupported : ERRORS.requestMalformed;
}

function takeHost(exchange: Exchange, settings: H1Settings): ExchangeError | null {
  if (exchange.authority === '') return exchange.version === 11 ? ERRORS.requestMalformed : null;
  const host = settings.normaliseHost(exchange.authority);
  if (host === null) return ERRORS.requestMalformed;
  exchange.host = host;
  return null;
}

function takePath(exchange: Exchange, settings: H1Settings): ExchangeError | null {
  const { bytes } = head;
  let end = targetStart;
  while (end < targetEnd && bytes[end] !== QUESTION) end++;
  const path = settings.normalisePath(head.slice(targetStart, end));
  if (path === null) return ERRORS.requestMalformed;
  exchange.path = path;
  exchange.hasQuery = end < targetEnd;
  exchange.query = exchange.hasQuery ? head.slice(end + 1, targetEnd) : '';
  return null;
}

/** `*` for OPTIONS, and the absolute form, whose host takes precedence over a valid Host header. */
function takeOtherTarget(target: string, exchange: Exchange, settings: H1Settings): ExchangeError | null {
  if (target === '*' && exchange.method === 'OPTIONS') {
    exchange.path = '*';
    return takeHost(exchange, settings);
  }
  const absolute = /^https?:\/\/([^/?@]+)(\/[^?]*)?(\?.*)?$/i.exec(target);
  if (absolute === null || settings.normaliseHost(exchange.authority) === null) return ERRORS.requestMalformed;
  // RFC 9112 section 3.2.2: the backend gets this host, so that all readers see the same one.
  exchange.authority = absolute[1] as string;
  return takeAbsolutePath(absolute, exchange, settings) ?? takeHost(exchange, settings);
}

function takeAbsolutePath(absolute: RegExpExecArray, exchange: Exchange, settings: H1Settings): ExchangeError | null {
  // RFC 9112 section 3.2.4: OPTIONS without a path is about the whole server.
  const whole = exchange.method === 'OPTIONS' && absolute[2] === undefined && absolute[3] === undefined;
  const path = whole ? '*' : settings.normalisePath(absolute[2] ?? '/');
  if (path === null) return ERRORS.requestMalformed;
  exchange.path = path;
  exchange.hasQuery = absolute[3] !== undefined;
  exchange.query = absolute[3]?.slice(1) ?? '';
  return null;
}

function takeExpectation(exchange: Exchange): ExchangeError | null {
  if (fields.expect === '') return null;
  exchange.expect = fields.expect;
  // RFC 9110 section 10.1.1: it has no effect in a 1.0 request, nor in a request without a body.
  if (exchange.version === 10) return null;
  if (fields.expect !== '100-continue') return ERRORS.expectationFailed;
  exchange.expectsContinue = exchange.requestLength !== 0;
  return null;
}
