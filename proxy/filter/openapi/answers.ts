// Answers of backends held to the document: those that do not fit are refused or reported.
import { checkAnswer } from '#api/openapi/checked-answer.ts';
import type { BodyCheck, MessageFault } from '#api/openapi/checked-request.ts';
import type { Operation } from '#api/openapi/document.ts';
import { mayHaveBody } from '../../exchange/changed-body.ts';
import { ERRORS, withDetail } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { isCallAnswer } from '../../exchange/grpc.ts';
import { joinHeader, removeHeader } from '../../exchange/headers.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import { AnswerRefusal } from '../../exchange/replaced-body.ts';
import type { SecurityEvents } from '../../exchange/security-events.ts';
import { Slot } from '../../exchange/slot.ts';
import type { FilterDependencies } from '../filter.ts';
import { hidesContent } from '../request-limits/content.ts';
import type { CompiledDocument } from './document-in-use.ts';

/** A request whose answer is checked. */
interface Awaited {
  readonly document: CompiledDocument;
  readonly operation: Operation;
  /** Accept-Encoding of the client; null without one. */
  readonly codings: string | null;
}

const AWAITED = new Slot<Awaited>();

export interface AnswerOptions {
  readonly policy: string;
  readonly refuses: boolean;
  readonly maxBytes: number;
  readonly security: SecurityEvents;
  readonly wholeAnswer: FilterDependencies['wholeAnswer'];
}

export class Answers {
  readonly #options: AnswerOptions;

  constructor(options: AnswerOptions) {
    this.#options = options;
  }

  /** The answer to this request will be checked: the backend must send all of it, and plain. */
  await(exchange: Exchange, document: CompiledDocument, operation: Operation): void {
    AWAITED.set(exchange, { document, operation, codings: joinHeader(exchange.requestHeaders, 'accept-encoding') });
    for (const name of ['accept-encoding', 'range', 'if-range']) removeHeader(exchange.requestHeaders, name);
  }

  /** Checks the answer to a request that waits for it. */
  check(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    const awaited = AWAITED.get(exchange);
    if (awaited === null) return undefined;
    AWAITED.set(exchange, null);
    // For the compression, which comes later.
    if (awaited.codings !== null) exchange.requestHeaders.push('accept-encoding', awaited.codings);
    if (!isChecked(exchange)) return undefined;
    const { document, operation } = awaited;
    const { faults, body } = checkAnswer(operation, headOf(exchange), document.tools);
    if (body === null) return this.#decide(exchange, operation, faults);
    if (hidesContent(exchange.responseHeaders)) return this.#decide(exchange, operation, [...faults, inBody('has a content coding')]);
    return this.#checkBody(exchange, operation, faults, body);
  }

  async #checkBody(exchange: Exchange, operation: Operation, faults: readonly MessageFault[], check: BodyCheck): Promise<AnswerChange> {
    const bytes = await this.#options.wholeAnswer(exchange, this.#options.maxBytes);
    if (exchange.phase === 'done') return undefined;
    const found = bytes === null ? [inBody('is too large to be checked')] : check.check(bytes);
    return this.#decide(exchange, operation, [...faults, ...found]);
  }

  #decide(exchange: Exchange, { name }: Operation, faults: readonly MessageFault[]): AnswerChange {
    if (faults.length === 0) return undefined;
    const { policy, refuses, security } = this.#options;
    const places = [...new Set(faults.map((fault) => fault.in))].join(', ');
    const reason = `faults in ${places}`;
    security.emit(refuses ? 'answer_refused' : 'answer_reported', exchange, { reason, policy, rule: name });
    return refuses ? new AnswerRefusal(withDetail(ERRORS.answerInvalid, `openapi of ${policy}: ${name}: ${reason}`)) : undefined;
  }
}

function inBody(reason: string): MessageFault {
  return { in: 'body', reason };
}

/** Whether an answer is that of a backend, now or earlier. 304 says that the client has it. */
function isChecked(exchange: Exchange): boolean {
  const { attempt, responseHeaders, fromStore, status } = exchange;
  const isOfBackend = fromStore || (attempt !== null && attempt.headers === responseHeaders);
  return isOfBackend && !isCallAnswer(exchange) && status >= 200 && status !== 304;
}

function headOf(exchange: Exchange): Parameters<typeof checkAnswer>[1] {
  const { status, responseHeaders, method } = exchange;
  return { status, hasBody: method !== 'HEAD' && mayHaveBody(exchange), header: (name) => joinHeader(responseHeaders, name) };
}
