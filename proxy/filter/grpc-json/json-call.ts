// A call of a client that sends JSON and expects it.
import type { Binding } from '#api/grpc-json/binding.ts';
import type { JsonWriting } from '#lib/protobuf/json-writer.ts';
import type { CallTranslation } from '../../exchange/call-translation.ts';
import { bodyChanges } from '../../exchange/changed-body.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { noteStatus } from '../../exchange/grpc.ts';
import { httpStatusOfGrpc } from '../../exchange/grpc-status.ts';
import { getHeader, joinHeader, removeHeader, setHeader, type Headers } from '../../exchange/headers.ts';
import { READABLE_CODINGS } from '../../exchange/message-coding.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import { ReplacingStage } from '../../exchange/replacing-stage.ts';
import { statusIn, statusJson, type CallStatus } from './call-status.ts';
import type { JsonStream } from './json-stream.ts';

/** Headers about the form of the request and of its answer, which the backend gets and sends in another one. */
const OF_REQUEST = ['accept', 'accept-encoding', 'grpc-encoding', 'content-encoding', 'range', 'if-range'];
const OF_ANSWER = ['grpc-status', 'grpc-message', 'grpc-status-details-bin', 'grpc-encoding', 'grpc-accept-encoding'];

export class JsonCall implements CallTranslation {
  readonly binding: Binding;
  readonly writing: JsonWriting;
  /** Of the client. */
  readonly accept: string | null;
  /** The answer on its way; null before it, and where it is whole. */
  stream: JsonStream | null = null;
  readonly #method: string;
  readonly #codings: string | null;

  /** Makes a call of the request. */
  constructor(exchange: Exchange, binding: Binding, writing: JsonWriting) {
    const headers = exchange.requestHeaders;
    this.binding = binding;
    this.writing = writing;
    this.#method = exchange.method;
    this.accept = joinHeader(headers, 'accept');
    this.#codings = joinHeader(headers, 'accept-encoding');
    Object.assign(exchange, { method: 'POST', path: binding.method.path, query: '', hasQuery: false, grpc: true, translation: this });
    for (const name of OF_REQUEST) removeHeader(headers, name);
    setHeader(headers, 'content-type', 'application/grpc');
    setHeader(headers, 'te', 'trailers');
    setHeader(headers, 'grpc-accept-encoding', binding.method.serverStreaming ? READABLE_CODINGS : 'identity');
  }

  /** The filters after this one, and the codec, see the request of the client again. */
  restore(exchange: Exchange): void {
    exchange.method = this.#method;
    if (this.#codings !== null) setHeader(exchange.requestHeaders, 'accept-encoding', this.#codings);
  }

  /** Takes the status out of a head; null: it follows in the trailers. */
  takeStatus(exchange: Exchange): CallStatus | null {
    const { responseHeaders: headers } = exchange;
    const status = getHeader(headers, 'grpc-status') === null ? null : statusIn(headers);
    if (status !== null) noteStatus(exchange, null);
    return status;
  }

  /** Gives the answer this status as JSON. */
  fail(exchange: Exchange, status: CallStatus): AnswerChange {
    const isLocal = exchange.attempt === null || exchange.attempt.headers !== exchange.responseHeaders;
    const httpStatus = isLocal && exchange.error !== null ? exchange.error.status : httpStatusOfGrpc(status.code);
    return this.answer(exchange, httpStatus, 'application/json', Buffer.from(`${statusJson(status, this.writing)}\n`));
  }

  /** Gives the answer this body. */
  answer(exchange: Exchange, status: number, contentType: string, body: Buffer): AnswerChange {
    const isLocal = exchange.attempt === null || exchange.attempt.headers !== exchange.responseHeaders;
    this.head(exchange, status, contentType);
    exchange.responseLength = body.length;
    if (!isLocal) return new ReplacingStage(exchange.method === 'HEAD' ? null : body);
    exchange.localBody = body;
    return undefined;
  }

  /** Gives the answer the head of another body. */
  head(exchange: Exchange, status: number, contentType: string): void {
    bodyChanges(exchange);
    for (const name of OF_ANSWER) removeHeader(exchange.responseHeaders, name);
    setHeader(exchange.responseHeaders, 'content-type', contentType);
    exchange.status = status;
  }

  ending(trailers: Headers): Buffer | null {
    return this.stream === null ? null : this.stream.ending(trailers);
  }

  replied(exchange: Exchange): void {
    this.restore(exchange);
    this.fail(exchange, statusIn(exchange.responseHeaders));
  }
}
