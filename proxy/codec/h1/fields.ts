// Parses the header block of requests and answers strictly, and removes everything about framing and the connection, so that an exchange
// has only end-to-end headers.
import type { Headers } from '../../exchange/headers.ts';
import { FIELD_VALUE, isBlank, trimBlanks } from './characters.ts';
import { blockStart, fieldNameAt, mayBeHopByHop } from './field-names.ts';
import type { FieldName } from './field-names.ts';
import type { Head } from './head.ts';
import { areCodings } from './transfer-codings.ts';

const CR = 0x0d;
const LF = 0x0a;
/** The maximum number of names that a message may declare hop-by-hop: each is searched in every header. */
const MAX_LISTED = 32;

/** The reason to refuse a header block. */
export type FieldsError = 'malformed' | 'tooMany' | 'unsupportedCoding';

/** The result for a header block. One object per worker, reused for each message: parsing is synchronous. */
export class Fields {
  headers: Headers = [];
  /** Null without a Host header. */
  host: string | null = null;
  /** -1 without Content-Length. */
  contentLength = -1;
  chunked = false;
  /** Connection: close, keep-alive, upgrade. */
  close = false;
  keepAlive = false;
  connectionUpgrade = false;
  /** Values of Upgrade and Expect in lower case, joined with ',' if there are several. */
  upgrade = '';
  expect = '';
  error: FieldsError | null = null;
  /** Other names in Connection. */
  #listed: string[] | null = null;
  readonly #start = blockStart();
  /** The name of the line before. */
  #previous = this.#start;

  /** Parses the lines of a head from `position` to the final empty line. */
  parse(head: Head, position: number, maxHeaders: number): boolean {
    this.#reset();
    const end = head.end - 2;
    while (position < end) {
      position = this.#parseLine(head, position);
      if (position < 0) return this.#fail('malformed');
      if (this.error !== null) return false;
      if (this.headers.length > maxHeaders * 2) return this.#fail('tooMany');
    }
    if (this.#listed !== null) this.#removeListed(this.#listed);
    return this.chunked && this.contentLength >= 0 ? this.#fail('malformed') : true;
  }

  #reset(): void {
    this.headers = [];
    this.host = null;
    this.contentLength = -1;
    this.chunked = false;
    this.close = false;
    this.keepAlive = false;
    this.connectionUpgrade = false;
    this.upgrade = '';
    this.expect = '';
    this.error = null;
    this.#listed = null;
    this.#previous = this.#start;
  }

  #fail(error: FieldsError): false {
    this.error = error;
    return false;
  }

  /** Parses one line and returns the start of the next, or -1. */
  #parseLine(head: Head, start: number): number {
    const { bytes } = head;
    const field = fieldNameAt(bytes, start, this.#previous);
    if (field === null) return -1;
    this.#previous = field;
    let position = start + field.bytes.length + 1;
    while (isBlank(bytes[position] as number)) position++;
    const valueStart = position;
    while (FIELD_VALUE[bytes[position] as number] === 1) position++;
    if (bytes[position] !== CR || bytes[position + 1] !== LF) return -1;
    let valueEnd = position;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1] as number)) valueEnd--;
    this.#take(field, head.slice(valueStart, valueEnd));
    return position + 2;
  }

  #take(field: FieldName, value: string): void {
    if (field.kind === 'plain') this.headers.push(field.name, value);
    else this.#takeOwn(field.kind, value);
  }

  #takeOwn(kind: string, value: string): void {
    switch (kind) {
      case 'host':
        return this.#takeHost(value);
      case 'content-length':
        return this.#takeContentLength(value);
      case 'transfer-encoding':
        return this.#takeTransferEncoding(value);
      case 'connection':
        return this.#takeConnection(value);
      case 'upgrade':
        this.upgrade = join(this.upgrade, value);
        return;
      case 'expect':
        this.expect = join(this.expect, value);
        return;
      case 'forbidden':
        this.error = 'malformed';
        return;
      case 'te':
        if (value.toLowerCase() === 'trailers') this.headers.push('te', 'trailers');
        return;
      default:
        return;
    }
  }

  #takeHost(value: string): void {
    if (this.host !== null) this.error = 'malformed';
    this.host = value;
  }

  /** 1*DIGIT, once. Repeated and listed values are refused even if equal (RFC 9110 section 8.6 allows that). */
  #takeContentLength(value: string): void {
    const length = parseLength(value);
    if (length < 0 || this.contentLength >= 0) this.error = 'malformed';
    this.contentLength = length;
  }

  /** Exactly `chunked`, once: parsers differ in anything else. */
  #takeTransferEncoding(value: string): void {
    if (this.chunked) this.error = 'malformed';
    else if (value.toLowerCase() === 'chunked') this.chunked = true;
    else this.error = areCodings(value) ? 'unsupportedCoding' : 'malformed';
  }

  #takeConnection(value: string): void {
    if (value === 'keep-alive' || value === 'Keep-Alive') {
      this.keepAlive = true;
      return;
    }
    for (const option of value.toLowerCase().split(',')) this.#takeConnectionOption(trimBlanks(option));
  }

  #takeConnectionOption(option: string): void {
    if (option === 'close') this.close = true;
    else if (option === 'keep-alive') this.keepAlive = true;
    else if (option === 'upgrade') this.connectionUpgrade = true;
    else if (option !== '' && mayBeHopByHop(option)) this.#list(option);
  }

  #list(name: string): void {
    this.#listed ??= [];
    if (this.#listed.push(name) > MAX_LISTED) this.error = 'tooMany';
  }

  #removeListed(listed: readonly string[]): void {
    const kept: Headers = [];
    for (let i = 0; i < this.headers.length; i += 2) {
      if (!listed.includes(this.headers[i] as string)) kept.push(this.headers[i] as string, this.headers[i + 1] as string);
    }
    this.headers = kept;
  }
}

/** A header that should occur once but may be repeated: the list of its values in lower case. */
function join(before: string, value: string): string {
  return before === '' ? value.toLowerCase() : `${before},${value.toLowerCase()}`;
}

/** A decimal number of up to 15 digits (exact in a double), or -1. */
export function parseLength(text: string): number {
  if (text.length === 0 || text.length > 15) return -1;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
