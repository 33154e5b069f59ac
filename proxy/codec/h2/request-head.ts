// The head of a request: header list > exchange, or the reason to refuse it (RFC 9113 section 8, and stricter where it allows). An accepted
// request can be written as HTTP/1.1 without a change of its meaning.
import { isSameAuthority } from '../../exchange/authority.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { removeHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { TARGET, TOKEN } from '../h1/characters.ts';
import { parseLength } from '../h1/fields.ts';
import { KEY } from '../websocket/accept.ts';
import { fieldKind, isValue } from './field-kinds.ts';
import type { FieldKind } from './field-kinds.ts';
import type { H2Settings } from './settings.ts';

const SLASH = 0x2f;
/** Longer methods do not exist. */
const MAX_METHOD = 32;

/** The values of a header list. One per worker, reused for each request: parsing is synchronous. */
class RequestFields {
  method = '';
  scheme = '';
  authority: string | null = null;
  path = '';
  protocol = '';
  host: string | null = null;
  contentLength = -1;
  expect = '';
  headers: Headers = [];
  /** The index of the joined cookie among the headers, or -1. */
  #cookieAt = -1;
  #regular = false;

  /** False: malformed. */
  take(list: readonly string[]): boolean {
    this.#reset();
    for (let i = 0; i < list.length; i += 2) {
      const name = list[i] as string;
      const value = list[i + 1] as string;
      if (!isValue(value) || !this.#takeField(name, value, fieldKind(name))) return false;
    }
    return true;
  }

  #reset(): void {
    this.method = '';
    this.scheme = '';
    this.authority = null;
    this.path = '';
    this.protocol = '';
    this.host = null;
    this.contentLength = -1;
    this.expect = '';
    this.headers = [];
    this.#cookieAt = -1;
    this.#regular = false;
  }

  #takeField(name: string, value: string, kind: FieldKind): boolean {
    if (kind === 'plain') {
      this.#regular = true;
      this.headers.push(name, value);
      return true;
    }
    if (name.charCodeAt(0) === 0x3a) return !this.#regular && this.#takePseudo(kind, value);
    this.#regular = true;
    return this.#takeOwn(kind, value);
  }

  /** Each once and not empty; an empty authority counts as absent. */
  #takePseudo(kind: FieldKind, value: string): boolean {
    switch (kind) {
      case ':method':
        if (this.method !== '') return false;
        this.method = value;
        return value !== '';
      case ':scheme':
        return this.#takeScheme(value);
      case ':path':
        if (this.path !== '') return false;
        this.path = value;
        return value !== '';
      case ':protocol':
        return this.#takeProtocol(value);
      case ':authority':
        if (this.authority !== null) return false;
        this.authority = value;
        return true;
      default:
        return false;
    }
  }

  #takeScheme(value: string): boolean {
    if (this.scheme !== '') return false;
    this.scheme = value;
    return value === 'http' || value === 'https';
  }

  #takeProtocol(value: string): boolean {
    if (this.protocol !== '') return false;
    this.protocol = value;
    return value !== '';
  }

  #takeOwn(kind: FieldKind, value: string): boolean {
    switch (kind) {
      case 'host':
        if (this.host !== null) return false;
        this.host = value;
        return true;
      case 'content-length':
        return this.#takeContentLength(value);
      case 'cookie':
        this.#takeCookie(value);
        return true;
      case 'te':
        // RFC 9113 section 8.2.2.
        if (value !== 'trailers') return false;
        this.headers.push('te', value);
        return true;
      case 'expect':
        this.expect = this.expect === '' ? value.toLowerCase() : `${this.expect},${value.toLowerCase()}`;
        return true;
      default:
        return kind === 'dropped';
    }
  }

  #takeContentLength(value: string): boolean {
    const length = parseLength(value);
    if (length < 0 || this.contentLength >= 0) return false;
    this.contentLength = length;
    return true;
  }

  /** Section 8.2.3: cookie crumbs become one header before they leave HTTP/2. */
  #takeCookie(value: string): void {
    if (this.#cookieAt < 0) this.#cookieAt = this.headers.push('cookie', value) - 1;
    else this.headers[this.#cookieAt] += `; ${value}`;
  }
}

const fields = new RequestFields();

/** Reads a header list into the exchange. `ended`: no body follows. */
export function takeRequestHead(list: readonly string[], ended: boolean, exchange: Exchange, settings: H2Settings): ExchangeError | null {
  exchange.version = 20;
  const valid = fields.take(list);
  exchange.method = fields.method;
  if (!valid) return ERRORS.requestMalformed;
  exchange.requestHeaders = fields.headers;
  exchange.contentLength = fields.contentLength;
  exchange.expect = fields.expect;
  exchange.askedUpgrade = fields.protocol;
  const error = takeMethod(exchange) ?? takeAuthority(exchange, settings) ?? takePath(exchange, settings);
  if (error !== null) return error;
  return fields.protocol === '' ? takeBody(ended, exchange) : takeUpgrade(ended, exchange);
}

/** CONNECT with a protocol corresponds to Upgrade in HTTP/1.1. */
function takeMethod({ method }: Exchange): ExchangeError | null {
  if (isPlainConnect(method)) return fields.authority === null ? ERRORS.requestMalformed : ERRORS.methodUnsupported;
  if (method === '' || fields.scheme === '' || fields.path === '') return ERRORS.requestMalformed;
  if ((method === 'CONNECT') !== (fields.protocol !== '')) return ERRORS.requestMalformed;
  if (method.length > MAX_METHOD) return ERRORS.requestMalformed;
  for (let i = 0; i < method.length; i++) {
    if (TOKEN[method.charCodeAt(i)] !== 1) return ERRORS.requestMalformed;
  }
  return null;
}

/** Section 8.5: CONNECT to an authority has neither scheme nor path. Gateways do not support it. */
function isPlainConnect(method: string): boolean {
  return method === 'CONNECT' && fields.protocol === '' && fields.scheme === '' && fields.path === '';
}

/** :authority or Host, or both with the same value (section 8.3.1): readers must not see different hosts. */
function takeAuthority(exchange: Exchange, settings: H2Settings): ExchangeError | null {
  const { authority, host, scheme } = fields;
  if (authority !== null && host !== null && !isSameAuthority(authority, host, scheme, settings.normaliseHost))
    return ERRORS.requestMalformed;
  exchange.authority = authority ?? host ?? '';
  const normal = exchange.authority === '' ? null : settings.normaliseHost(exchange.authority);
  if (normal === null) return ERRORS.requestMalformed;
  exchange.host = normal;
  return null;
}

function takePath(exchange: Exchange, settings: H2Settings): ExchangeError | null {
  const target = fields.path;
  if (target.length > settings.limits.maxTargetBytes) return ERRORS.requestTargetTooLong;
  if (target.charCodeAt(0) !== SLASH) return takeAsterisk(target, exchange);
  const end = target.indexOf('?');
  const path = settings.normalisePath(end < 0 ? target : target.slice(0, end));
  if (path === null) return ERRORS.requestMalformed;
  exchange.path = path;
  if (end < 0) return null;
  for (let i = end; i < target.length; i++) {
    if (TARGET[target.charCodeAt(i)] !== 1) return ERRORS.requestMalformed;
  }
  exchange.hasQuery = true;
  exchange.query = target.slice(end + 1);
  return null;
}

function takeAsterisk(target: string, exchange: Exchange): ExchangeError | null {
  if (target !== '*' || exchange.method !== 'OPTIONS') return ERRORS.requestMalformed;
  exchange.path = '*';
  return null;
}

/** RFC 8441 section 4: becomes the request of HTTP/1.1; the codec of the backend creates the key if it needs one. */
function takeUpgrade(ended: boolean, exchange: Exchange): ExchangeError | null {
  if (ended || fields.contentLength >= 0) return ERRORS.requestMalformed;
  if (fields.protocol !== 'websocket') return ERRORS.upgradeUnsupported;
  exchange.method = 'GET';
  exchange.upgrade = fields.protocol;
  removeHeader(exchange.requestHeaders, KEY);
  return null;
}

function takeBody(ended: boolean, exchange: Exchange): ExchangeError | null {
  const length = fields.contentLength;
  // Section 8.1.1: an announced length must be the length of the body.
  if (ended && length > 0) return ERRORS.requestMalformed;
  if (ended || length === 0) exchange.requestLength = 0;
  else exchange.requestLength = length < 0 ? UNKNOWN_LENGTH : length;
  if (fields.expect === '') return null;
  if (fields.expect !== '100-continue') return ERRORS.expectationFailed;
  exchange.expectsContinue = exchange.requestLength !== 0;
  return null;
}
