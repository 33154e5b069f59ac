// The answers of calls as JSON.
import { ERRORS, withDetail, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { isCallAnswer } from '../../exchange/grpc.ts';
import { GRPC_STATUS } from '../../exchange/grpc-status.ts';
import { getHeader } from '../../exchange/headers.ts';
import { varyBy } from '../../exchange/changed-body.ts';
import { isCompressed, onlyMessage, PREFIX_BYTES } from '../../exchange/message-frame.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import { AnswerRefusal } from '../../exchange/replaced-body.ts';
import { preferredType } from '../error-pages/accepted-type.ts';
import type { FilterDependencies } from '../filter.ts';
import { statusIn } from './call-status.ts';
import type { JsonCall } from './json-call.ts';
import { JsonStream, type StreamForm } from './json-stream.ts';
import { MessageJson } from './message-json.ts';

const LINES = 'application/x-ndjson';
const EVENTS = 'text/event-stream';
const OCTETS = 'application/octet-stream';

export class JsonAnswers {
  readonly #maxBytes: number;
  readonly #answerStart: FilterDependencies['answerStart'];

  /** `maxBytes`: of a message. */
  constructor(maxBytes: number, answerStart: FilterDependencies['answerStart']) {
    this.#maxBytes = maxBytes;
    this.#answerStart = answerStart;
  }

  translate(exchange: Exchange, call: JsonCall): AnswerChange | Promise<AnswerChange> {
    const status = call.takeStatus(exchange);
    const messages = new MessageJson(call.binding, call.writing);
    if (!isCallAnswer(exchange) || status !== null) return this.#headOnly(exchange, call, status);
    if (!call.binding.method.serverStreaming) return this.#whole(exchange, call, messages);
    return messages.isHttpBody ? this.#bytes(exchange, call, messages) : this.#stream(exchange, call, messages);
  }

  /** The answer has no messages, or another filter has made another one. */
  #headOnly(exchange: Exchange, call: JsonCall, status: ReturnType<JsonCall['takeStatus']>): AnswerChange {
    call.restore(exchange);
    if (status === null) return undefined;
    if (status.code !== GRPC_STATUS.ok) return call.fail(exchange, status);
    if (!call.binding.method.serverStreaming) return unreadable('the answer has no message');
    return call.answer(exchange, 200, this.#isEvents(call) ? EVENTS : LINES, Buffer.alloc(0));
  }

  /** The HTTP status depends on the trailers. */
  async #whole(exchange: Exchange, call: JsonCall, messages: MessageJson): Promise<AnswerChange> {
    const { signal } = exchange;
    const part = await this.#answerStart(exchange, this.#maxBytes + PREFIX_BYTES);
    if (part === null || signal.aborted) return undefined;
    call.restore(exchange);
    if (!part.isWhole) return refusal(ERRORS.answerTooLarge, 'the message is larger than maxMessageSize');
    const status = statusIn(part.trailers);
    if (status.code !== GRPC_STATUS.ok) return call.fail(exchange, status);
    const message = onlyMessage(part.bytes);
    if (message === null) return unreadable('the answer is not one message without compression');
    const content = messages.contentOf(message);
    if (!content.ok) return unreadable(content.error);
    return call.answer(exchange, 200, content.value.contentType, content.value.body);
  }

  /** The head goes with the first message: before it, the call may still fail with a status. */
  async #stream(exchange: Exchange, call: JsonCall, messages: MessageJson): Promise<AnswerChange> {
    const { signal } = exchange;
    const part = await this.#answerStart(exchange, 0);
    if (part === null || signal.aborted) return undefined;
    call.restore(exchange);
    const status = part.isWhole ? statusIn(part.trailers) : null;
    if (status !== null && status.code !== GRPC_STATUS.ok) return call.fail(exchange, status);
    const isEvents = this.#isEvents(call);
    varyBy(exchange.responseHeaders, 'accept');
    return this.#send(exchange, call, messages, isEvents ? 'events' : 'lines', isEvents ? EVENTS : LINES);
  }

  /** The first message says the type of all. */
  async #bytes(exchange: Exchange, call: JsonCall, messages: MessageJson): Promise<AnswerChange> {
    const { signal } = exchange;
    const contentType = await this.#firstType(exchange, messages);
    if (signal.aborted || exchange.phase === 'done') return undefined;
    call.restore(exchange);
    return this.#send(exchange, call, messages, 'bytes', contentType);
  }

  async #firstType(exchange: Exchange, messages: MessageJson): Promise<string> {
    const prefix = await this.#answerStart(exchange, PREFIX_BYTES);
    if (prefix === null || prefix.bytes.length < PREFIX_BYTES || isCompressed(prefix.bytes)) return OCTETS;
    const length = PREFIX_BYTES + Math.min(prefix.bytes.readUInt32BE(1), this.#maxBytes);
    const first = prefix.isWhole ? prefix : await this.#answerStart(exchange, length);
    const content = first === null ? null : messages.contentOf(first.bytes.subarray(PREFIX_BYTES, length));
    return content?.ok === true ? content.value.contentType : OCTETS;
  }

  #send(exchange: Exchange, call: JsonCall, messages: MessageJson, form: StreamForm, contentType: string): AnswerChange {
    const coding = getHeader(exchange.responseHeaders, 'grpc-encoding');
    call.head(exchange, 200, contentType);
    call.stream = new JsonStream({ form, messages, writing: call.writing, coding, maxBytes: this.#maxBytes });
    return call.stream;
  }

  #isEvents({ accept }: JsonCall): boolean {
    return accept !== null && preferredType(accept, [LINES, EVENTS]) === 1;
  }
}

function unreadable(detail: string): AnswerRefusal {
  return refusal(ERRORS.answerUnreadable, detail);
}

function refusal(error: ExchangeError, detail: string): AnswerRefusal {
  return new AnswerRefusal(withDetail(error, detail));
}
