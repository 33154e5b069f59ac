// The two halves of an exchange as a processor sees them: the request and the answer have the same parts under other names.
import type { BodyStage } from '../../exchange/body-stage.ts';
import { bodyChanges, mayHaveBody, requestBodyChanges } from '../../exchange/changed-body.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { BodyPart } from '../../exchange/staged-body.ts';
import type { FilterDependencies } from '../filter.ts';
import type { HeaderValue, PartName, ProcessingRequest } from './messages.ts';

/** The headers that the processor gets, in lower case; null: all. */
export type SentNames = ReadonlySet<string> | null;

/** One half, of one exchange. */
export interface Half {
  readonly side: 'request' | 'response';
  readonly exchange: Exchange;
  readonly headers: Headers;
  /** The names of its parts in messages. */
  readonly parts: { readonly headers: PartName; readonly body: PartName; readonly trailers: PartName };
  readonly hasBody: boolean;
  /** Its head with the pseudo headers, and these headers (null: all). */
  head(names: SentNames): readonly HeaderValue[];
  /** The body up to a limit; null if the exchange ends before. */
  gather(maxBytes: number): Promise<BodyPart | null>;
  /** The body becomes another one, of this length or UNKNOWN_LENGTH. */
  bodyChanges(length: number): void;
}

export type RequestBodies = Pick<FilterDependencies, 'bodyStart' | 'passThrough'>;

/** The request of an exchange. */
export class RequestHalf implements Half {
  readonly side = 'request';
  readonly parts = { headers: 'request_headers', body: 'request_body', trailers: 'request_trailers' } as const;
  readonly exchange: Exchange;
  readonly #bodies: RequestBodies;

  constructor(exchange: Exchange, bodies: RequestBodies) {
    this.exchange = exchange;
    this.#bodies = bodies;
  }

  get headers(): Headers {
    return this.exchange.requestHeaders;
  }

  get hasBody(): boolean {
    return this.exchange.requestLength !== 0 && this.exchange.upgrade === '';
  }

  head(names: SentNames): readonly HeaderValue[] {
    const { method, scheme, authority, path, query, hasQuery } = this.exchange;
    const target = hasQuery ? `${path}?${query}` : path;
    const pseudo = [value(':method', method), value(':scheme', scheme), value(':authority', authority), value(':path', target)];
    return [...pseudo, ...lengthOf(this.exchange.requestLength), ...valuesOf(this.headers, names)];
  }

  gather(maxBytes: number): Promise<BodyPart | null> {
    return this.#bodies.bodyStart(this.exchange, maxBytes);
  }

  /** The body flows through a stage from now on. */
  passThrough(stage: BodyStage): void {
    this.#bodies.passThrough(this.exchange, stage);
  }

  bodyChanges(length: number): void {
    requestBodyChanges(this.exchange);
    this.exchange.requestLength = length;
  }
}

/** The answer of an exchange. */
export class ResponseHalf implements Half {
  readonly side = 'response';
  readonly parts = { headers: 'response_headers', body: 'response_body', trailers: 'response_trailers' } as const;
  readonly exchange: Exchange;

  constructor(exchange: Exchange) {
    this.exchange = exchange;
  }

  get headers(): Headers {
    return this.exchange.responseHeaders;
  }

  get hasBody(): boolean {
    return this.exchange.method !== 'HEAD' && mayHaveBody(this.exchange);
  }

  head(names: SentNames): readonly HeaderValue[] {
    const { status, responseLength } = this.exchange;
    return [value(':status', String(status)), ...lengthOf(responseLength), ...valuesOf(this.headers, names)];
  }

  /** The body of an answer of the proxy itself does not flow before its head is sent. */
  gather(maxBytes: number): Promise<BodyPart | null> {
    const { localBody: bytes, stagedAnswer } = this.exchange;
    if (bytes === null) return stagedAnswer === null ? Promise.resolve(null) : stagedAnswer.gather(maxBytes);
    return Promise.resolve({ bytes: bytes.subarray(0, maxBytes), isWhole: bytes.length <= maxBytes, trailers: null });
  }

  bodyChanges(length: number): void {
    bodyChanges(this.exchange);
    this.exchange.responseLength = length;
  }
}

/** A list of headers for a message. */
export function valuesOf(headers: readonly string[], names: SentNames = null): readonly HeaderValue[] {
  const values: HeaderValue[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (names === null || names.has(name)) values.push(value(name, headers[i + 1] as string));
  }
  return values;
}

/** The codecs keep it out of the lists. */
function lengthOf(length: number): readonly HeaderValue[] {
  return length > 0 ? [value('content-length', String(length))] : [];
}

function value(key: string, text: string): HeaderValue {
  return { key, raw_value: Buffer.from(text, 'latin1') };
}

/** The message with the head of a half. */
export function headMessage(half: Half, names: SentNames): ProcessingRequest {
  return { [half.parts.headers]: { headers: { headers: half.head(names) }, end_of_stream: !half.hasBody } };
}

/** A message with a piece of the body. */
export function bodyMessage({ parts }: Half, body: Buffer, isLast: boolean): ProcessingRequest {
  return { [parts.body]: { body, end_of_stream: isLast } };
}

/** A message with the trailers. */
export function trailersMessage({ parts }: Half, trailers: Headers): ProcessingRequest {
  return { [parts.trailers]: { trailers: { headers: valuesOf(trailers) } } };
}
