// The processing of one exchange: which parts go to the processor, and what its answers change.
import type { BodyStage } from '../../exchange/body-stage.ts';
import { ERRORS, withDetail, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { IgnoredField, ProcessorOutcome } from '../../exchange/processor-counts.ts';
import type { Headers } from '../../exchange/headers.ts';
import { localReply } from '../../exchange/local-reply.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import { ReplacingStage } from '../../exchange/replacing-stage.ts';
import type { BodyPart } from '../../exchange/staged-body.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { attributesOf, type AttributeName } from './attributes.ts';
import type { Conversation } from './conversation.ts';
import { takeDestination } from './destination.ts';
import { DuplexBody } from './duplex-body.ts';
import { bodyMessage, headMessage, RequestHalf, type Half, type SentNames } from './half.ts';
import { changeHeaders, type HeaderRules } from './header-changes.ts';
import { ignoredIn, type AnswerPlace } from './ignored-fields.ts';
import { answerImmediately, refusalOf } from './immediate.ts';
import type { Ending, Reply } from './lane.ts';
import {
  bodyChangeOf,
  commonOf,
  type CommonResponse,
  type HeaderMutation,
  type ImmediateResponse,
  type ModeOverride,
  type PartName,
  type ProcessingResponse,
} from './messages.ts';
import { overridden, protocolConfig, type Modes } from './modes.ts';
import { SentTrailers, StreamedBody, type StageHost } from './streamed-body.ts';

/** The settings of a processor, as an exchange needs them. */
export interface ProcessorPlan {
  /** `ExtensionPolicy/<namespace>/<name>`. */
  readonly policy: string;
  readonly modes: Modes;
  readonly sentNames: SentNames;
  readonly allowsOverride: boolean;
  readonly maxBodyBytes: number;
  readonly failOpen: boolean;
  readonly rules: HeaderRules;
  readonly attributes: { readonly request: readonly AttributeName[]; readonly response: readonly AttributeName[] };
  /** Counts an exchange at its end. */
  readonly count: (outcome: ProcessorOutcome) => void;
  /** Counts a field of an answer that has no effect. */
  readonly ignored: (field: IgnoredField) => void;
  /** Tells a refusal. */
  readonly tell: (exchange: Exchange, name: 'access_denied' | 'processing_failed', reason: string) => void;
}

type Taken = { readonly verdict: FilterVerdict } | { readonly response: CommonResponse | null; readonly override: ModeOverride | null };

const NOTHING = Buffer.alloc(0);

export class Processing {
  readonly #plan: ProcessorPlan;
  readonly #conversation: Conversation;
  #modes: Modes;
  /** The processor has got no message yet. */
  #isFirst = true;
  /** The processor has answered in place of the backend, or the exchange is refused. */
  #isSettled = false;
  /** What has come of the exchange so far. */
  outcome: ProcessorOutcome = 'processed';

  constructor(plan: ProcessorPlan, conversation: Conversation) {
    this.#plan = plan;
    this.#conversation = conversation;
    this.#modes = plan.modes;
  }

  /** Whether the processor has a say about the answer: also if it has failed meanwhile, so that nothing passes without it. */
  get isUnderWay(): boolean {
    return !this.#isSettled && this.#conversation.ending?.type !== 'over';
  }

  finish(): void {
    this.#conversation.finish();
  }

  /** Processes one half. */
  async run(half: Half): Promise<FilterVerdict> {
    const { headers, body } = this.#modes[half.side];
    if (half instanceof RequestHalf && headers && half.hasBody && body === 'FullDuplexStreamed') return this.#duplexRequest(half);
    if (headers) {
      const reply = await this.#conversation.ask(half.parts.headers, this.#first(half, headMessage(half, this.#plan.sentNames)));
      const verdict = this.#headReplied(half, reply);
      if (verdict !== null) return verdict;
    }
    return half.hasBody ? this.#body(half) : 'continue';
  }

  /** Attributes come with the first message of a half, the modes with the first of all. */
  #first(half: Half, message: ReturnType<typeof headMessage>): ReturnType<typeof headMessage> {
    const config = this.#isFirst ? { protocol_config: protocolConfig(this.#modes) } : {};
    this.#isFirst = false;
    return { ...message, ...config, ...attributesOf(this.#plan.attributes[half.side], half.exchange) };
  }

  /** Null: the processing goes on with the body. */
  #headReplied(half: Half, reply: Reply): FilterVerdict | null {
    const taken = this.#taken(half, reply, half.parts.headers);
    if ('verdict' in taken) return taken.verdict;
    const { response, override } = taken;
    if (this.#plan.allowsOverride && override !== null) this.#modes = overridden(this.#modes, override);
    if (response?.status !== 'CONTINUE_AND_REPLACE') return null;
    // Without a body of its own the processor is only done with this half.
    const change = response.body_mutation ?? null;
    return change?.mutation === undefined ? 'continue' : replaced(half, change.body ?? NOTHING, null);
  }

  /** Makes the changes of the head that a reply asks for; the verdict, if the processing does not go on. */
  #taken(half: Half, reply: Reply, part: PartName): Taken {
    const { headers, side, exchange } = half;
    if (exchange.phase === 'done') return { verdict: 'answered' };
    if (reply.type !== 'answer') return { verdict: this.#ended(half, reply) };
    const { immediate_response: immediate, dynamic_metadata: metadata, mode_override: override } = reply.answer;
    if (immediate !== undefined) return { verdict: this.#answer(half, immediate) };
    this.#notice(reply.answer, part, part === half.parts.headers ? 'head' : 'held');
    const response = commonOf(reply.answer, part);
    const fault = changeHeaders(response?.header_mutation ?? null, headers, side, this.#plan.rules, exchange);
    if (fault !== null) return { verdict: this.#broken(half, fault) };
    if (side === 'request') takeDestination(metadata, headers);
    return { response, override };
  }

  #notice(answer: ProcessingResponse, part: PartName, place: AnswerPlace): void {
    const { allowsOverride, ignored } = this.#plan;
    for (const field of ignoredIn({ answer, part, place, allowsOverride })) ignored(field);
  }

  async #body(half: Half): Promise<FilterVerdict> {
    const { body, trailers } = this.#modes[half.side];
    switch (body) {
      case 'None':
        return trailers ? new SentTrailers(this.#host(half), null) : 'continue';
      case 'Streamed':
        half.bodyChanges(UNKNOWN_LENGTH);
        return new StreamedBody(this.#host(half));
      case 'FullDuplexStreamed':
        half.bodyChanges(UNKNOWN_LENGTH);
        return new DuplexBody(this.#host(half), this.#plan.failOpen ? this.#plan.maxBodyBytes : 0);
      default:
        return this.#held(half, body === 'BufferedPartial');
    }
  }

  /** The processor gets the body at once. */
  async #held(half: Half, allowsPart: boolean): Promise<FilterVerdict> {
    // An answer has its body only after the filter has begun to wait.
    await Promise.resolve();
    const part = await half.gather(this.#plan.maxBodyBytes);
    if (part === null) return 'continue';
    if (!part.isWhole && !allowsPart) return this.#refuse(half, tooLarge(half));
    const reply = await this.#conversation.ask(half.parts.body, this.#first(half, bodyMessage(half, part.bytes, part.isWhole)));
    const taken = this.#taken(half, reply, half.parts.body);
    if ('verdict' in taken) return taken.verdict;
    const change = reply.type === 'answer' ? bodyChangeOf(reply.answer, half.parts.body) : null;
    const stage = change === null ? null : replaced(half, change.body ?? NOTHING, part);
    if (this.#modes[half.side].trailers) return new SentTrailers(this.#host(half), stage);
    return stage ?? 'continue';
  }

  /** The body flows to the processor at once, which may wait for all of it before it says anything about the head. */
  async #duplexRequest(half: RequestHalf): Promise<FilterVerdict> {
    const stage = new DuplexBody(this.#host(half), this.#plan.maxBodyBytes, false);
    const head = this.#conversation.ask(half.parts.headers, this.#first(half, headMessage(half, this.#plan.sentNames)));
    half.passThrough(stage);
    const reply = await head;
    const replaces = reply.type === 'answer' && commonOf(reply.answer, half.parts.headers)?.status === 'CONTINUE_AND_REPLACE';
    const verdict = replaces ? this.#broken(half, 'the processor replaces a body that it streams') : this.#headReplied(half, reply);
    if (verdict === 'answered') return verdict;
    half.bodyChanges(UNKNOWN_LENGTH);
    stage.open(this.#plan.failOpen);
    return 'continue';
  }

  /** The conversation ended before its answer. */
  #ended(half: Half, ending: Ending): FilterVerdict {
    if (ending.type === 'over') return 'continue';
    this.outcome = this.#plan.failOpen ? 'passed' : 'failed';
    if (this.#plan.failOpen) return 'continue';
    this.#plan.tell(half.exchange, 'processing_failed', ending.reason);
    return this.#refuse(half, withDetail(ERRORS.processorFailed, ending.reason));
  }

  #refuse(half: Half, error: ExchangeError): FilterVerdict {
    const { exchange } = half;
    exchange.error = error;
    localReply(exchange, error);
    return this.#settle(half);
  }

  /** The processor answers in place of the backend. */
  #answer(half: Half, immediate: ImmediateResponse): FilterVerdict {
    const status = answerImmediately(half.exchange, immediate, this.#plan.rules);
    if (typeof status === 'string') return this.#broken(half, status);
    this.outcome = 'answered';
    if (status >= 400) this.#plan.tell(half.exchange, 'access_denied', 'the external processor answers the request');
    return this.#settle(half);
  }

  /** The processor has broken a rule. */
  #broken(half: Half, reason: string): FilterVerdict {
    this.#conversation.fail(reason);
    return this.#ended(half, { type: 'failed', reason });
  }

  /** The answer in the exchange takes the place of any other. */
  #settle({ side, exchange }: Half): FilterVerdict {
    this.#isSettled = true;
    this.#conversation.finish();
    if (side === 'request') return 'answered';
    return new ReplacingStage(exchange.localBody);
  }

  #host(half: Half): StageHost {
    return {
      half,
      conversation: this.#conversation,
      sendsTrailers: this.#modes[half.side].trailers,
      failure: ERRORS.processorFailed,
      objection: (reply, changed) => this.#objection(half, reply, changed),
      changeTrailers: (mutation, trailers) => this.#changeTrailers(half, mutation, trailers),
    };
  }

  /** A body on its way cannot have another answer: only the status of the processor counts. */
  #objection({ exchange, parts }: Half, reply: Reply, changed: boolean): ExchangeError | null {
    if (reply.type === 'over') return null;
    if (reply.type === 'answer') {
      const { immediate_response: immediate } = reply.answer;
      if (immediate === undefined) {
        this.#notice(reply.answer, parts.body, 'piece');
        return null;
      }
      this.#isSettled = true;
      this.outcome = 'answered';
      this.#plan.tell(exchange, 'access_denied', 'the external processor refuses a body');
      return refusalOf(immediate);
    }
    this.outcome = this.#plan.failOpen && !changed ? 'passed' : 'failed';
    if (this.outcome === 'passed') return null;
    this.#isSettled = true;
    this.#plan.tell(exchange, 'processing_failed', reply.reason);
    return withDetail(ERRORS.processorFailed, reply.reason);
  }

  #changeTrailers({ side, exchange }: Half, mutation: HeaderMutation | null, trailers: Headers): ExchangeError | null {
    const fault = changeHeaders(mutation, trailers, side, this.#plan.rules, null);
    if (fault === null) return null;
    this.#conversation.fail(fault);
    this.outcome = 'failed';
    this.#plan.tell(exchange, 'processing_failed', fault);
    return withDetail(ERRORS.processorFailed, fault);
  }
}

/** Other bytes take the place of a part of a body, or of all of it and its trailers (null). */
function replaced(half: Half, bytes: Buffer, part: BodyPart | null): BodyStage {
  half.bodyChanges(part?.isWhole === false ? UNKNOWN_LENGTH : bytes.length);
  return new ReplacingStage(bytes, part === null ? Infinity : part.bytes.length);
}

function tooLarge({ side }: Half): ExchangeError {
  if (side === 'request') return withDetail(ERRORS.requestBodyTooLarge, 'larger than what is held for the external processor');
  return withDetail(ERRORS.processorFailed, 'the body of the answer is larger than what is held for the external processor');
}
