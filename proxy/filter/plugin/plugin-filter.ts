// A filter whose halves are hooks of a plugin of a user.
import { bodyChanges, mayHaveBody, requestBodyChanges } from '../../exchange/changed-body.ts';
import { httpDate } from '../../exchange/date.ts';
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { isCallAnswer } from '../../exchange/grpc.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { AnswerChange, FilterVerdict, Patience } from '../../exchange/plan.ts';
import type { PluginHook, PluginOutcome, RunningPlugin } from '../../exchange/plugins.ts';
import { AnswerRefusal, replaceAnswer, replaceRequest } from '../../exchange/replaced-body.ts';
import { ReplacingStage } from '../../exchange/replacing-stage.ts';
import type { Filter, FilterDependencies } from '../filter.ts';
import { ChunkStage } from './chunk-stage.ts';

/** Calls have times of their own, and bodies those of clients and backends. */
const PATIENCE: Patience = { timeout: 3_600_000, failOpen: false };
const REQUEST_HOOKS: readonly PluginHook[] = ['onRequest', 'onRequestBody', 'onRequestChunk', 'onRequestTrailers'];
const RESPONSE_HOOKS: readonly PluginHook[] = ['onResponse', 'onResponseBody', 'onResponseChunk', 'onResponseTrailers'];
const OWN_ERRORS: ReadonlySet<ExchangeError['code']> = new Set(
  [ERRORS.pluginFailed, ERRORS.pluginRefused, ERRORS.pluginTimeout, ERRORS.pluginMemory, ERRORS.pluginUnavailable].map(({ code }) => code),
);

type Bodies = Pick<FilterDependencies, 'wholeBody' | 'wholeAnswer'>;

/** What a policy says about the filter. */
export interface PluginFilterOptions {
  readonly name: string;
  /** Bytes of a whole body. */
  readonly maxBodySize: number;
  readonly failOpen: boolean;
  /** It also gets the bodies of gRPC calls, piece by piece. */
  readonly seesCalls: boolean;
}

export class PluginFilter implements Filter {
  readonly name: string;
  readonly patience = PATIENCE;
  readonly #plugin: RunningPlugin;
  readonly #bodies: Bodies;
  readonly #maxBody: number;
  readonly #failOpen: boolean;
  readonly #seesCalls: boolean;

  constructor(plugin: RunningPlugin, bodies: Bodies, { name, maxBodySize, failOpen, seesCalls }: PluginFilterOptions) {
    this.name = name;
    this.#plugin = plugin;
    this.#bodies = bodies;
    this.#maxBody = maxBodySize;
    this.#failOpen = failOpen;
    this.#seesCalls = seesCalls;
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    return this.#sees(REQUEST_HOOKS) ? this.#request(exchange) : 'continue';
  }

  response(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    const isOwn = exchange.error !== null && OWN_ERRORS.has(exchange.error.code);
    return isOwn || exchange.status === 101 || !this.#sees(RESPONSE_HOOKS) ? undefined : this.#response(exchange);
  }

  ended(exchange: Exchange): void {
    this.#plugin.ended(exchange);
  }

  dispose(): void {
    this.#plugin.close();
  }

  /** Whether the plugin has one of the hooks, or may have it. */
  #sees(hooks: readonly PluginHook[]): boolean {
    return hooks.some((hook) => this.#plugin.has(hook) !== false);
  }

  /** A plugin with short calls answers at once: then there is no promise. */
  #request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    const has = this.#plugin.has('onRequest');
    if (has === null) return this.#requestOnceReady(exchange);
    const outcome = has ? this.#plugin.call('onRequest', exchange, null, false) : PASSED;
    return outcome instanceof Promise ? outcome.then((late) => this.#afterRequest(exchange, late)) : this.#afterRequest(exchange, outcome);
  }

  async #requestOnceReady(exchange: Exchange): Promise<FilterVerdict> {
    const problem = await this.#plugin.ready();
    if (isOver(exchange)) return 'answered';
    return problem === null ? this.#request(exchange) : this.#refuse(exchange, problem);
  }

  #afterRequest(exchange: Exchange, outcome: PluginOutcome): FilterVerdict | Promise<FilterVerdict> {
    if (isOver(exchange) || outcome.type === 'answered') return 'answered';
    if (outcome.type === 'failed') return this.#refuse(exchange, outcome.error);
    return exchange.requestLength === 0 || exchange.upgrade !== '' ? 'continue' : this.#requestContent(exchange);
  }

  /** Messages of a call may have no end: they are never gathered. */
  #requestContent(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (exchange.grpc && !this.#seesCalls) return 'continue';
    if (this.#plugin.has('onRequestBody') === true && !exchange.grpc) return this.#requestBody(exchange);
    const hasTrailers = this.#plugin.has('onRequestTrailers') === true;
    if (this.#plugin.has('onRequestChunk') !== true && !hasTrailers) return 'continue';
    if (this.#plugin.has('onRequestChunk') === true) requestBodyChanges(exchange);
    return new ChunkStage('request', exchange, this.#plugin, this.#failOpen);
  }

  async #requestBody(exchange: Exchange): Promise<FilterVerdict> {
    const body = await this.#bodies.wholeBody(exchange, this.#maxBody);
    if (body === null) return isOver(exchange) ? 'answered' : refuse(exchange, ERRORS.requestBodyTooLarge);
    const outcome = await this.#plugin.call('onRequestBody', exchange, body, true);
    if (isOver(exchange) || outcome.type === 'answered') return 'answered';
    if (outcome.type === 'failed') return this.#refuse(exchange, outcome.error);
    return outcome.type === 'replaced' ? replaceRequest(exchange, outcome.body) : 'continue';
  }

  #refuse(exchange: Exchange, error: ExchangeError): FilterVerdict {
    return this.#failOpen ? 'continue' : refuse(exchange, error);
  }

  #response(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    const has = this.#plugin.has('onResponse');
    if (has === null) return this.#responseOnceReady(exchange);
    const outcome = has ? this.#plugin.call('onResponse', exchange, null, false) : PASSED;
    return outcome instanceof Promise
      ? outcome.then((late) => this.#afterResponse(exchange, late))
      : this.#afterResponse(exchange, outcome);
  }

  async #responseOnceReady(exchange: Exchange): Promise<AnswerChange> {
    const problem = await this.#plugin.ready();
    if (isOver(exchange)) return undefined;
    return problem === null ? this.#response(exchange) : this.#failed(problem);
  }

  #afterResponse(exchange: Exchange, outcome: PluginOutcome): AnswerChange | Promise<AnswerChange> {
    if (outcome.type === 'failed') return this.#failed(outcome.error);
    if (outcome.type === 'refused') return replace(exchange, outcome);
    return isOver(exchange) || !mayHaveBody(exchange) ? undefined : this.#responseContent(exchange);
  }

  #responseContent(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    const isOfCall = isCallAnswer(exchange);
    if (isOfCall && !this.#seesCalls) return undefined;
    if (this.#plugin.has('onResponseBody') === true && !isOfCall) return this.#responseBody(exchange);
    const hasTrailers = this.#plugin.has('onResponseTrailers') === true;
    if (this.#plugin.has('onResponseChunk') !== true && !hasTrailers) return undefined;
    if (this.#plugin.has('onResponseChunk') === true) bodyChanges(exchange);
    return exchange.method === 'HEAD' ? undefined : new ChunkStage('response', exchange, this.#plugin, this.#failOpen);
  }

  async #responseBody(exchange: Exchange): Promise<AnswerChange> {
    const body = await this.#bodies.wholeAnswer(exchange, this.#maxBody);
    if (isOver(exchange)) return undefined;
    if (body === null) return new AnswerRefusal(ERRORS.answerTooLarge);
    const outcome = await this.#plugin.call('onResponseBody', exchange, body, true);
    if (outcome.type === 'failed') return this.#failed(outcome.error);
    if (outcome.type === 'refused') return replace(exchange, outcome);
    return outcome.type === 'replaced' ? replaceAnswer(exchange, outcome.body) : undefined;
  }

  #failed(error: ExchangeError): AnswerChange {
    return this.#failOpen ? undefined : new AnswerRefusal(error);
  }
}

/** Another answer takes the place of that of the backend. Callers of gRPC understand its status only. */
function replace(exchange: Exchange, { answer, error }: Extract<PluginOutcome, { readonly type: 'refused' }>): AnswerChange {
  if (isCallAnswer(exchange)) return new AnswerRefusal(error);
  const { status, headers, body } = answer;
  exchange.status = status;
  const own = exchange.responseHeaders;
  own.splice(0, own.length, ...headers, 'date', httpDate());
  exchange.responseLength = body.length;
  if (exchange.localBody === null) return exchange.method === 'HEAD' ? undefined : new ReplacingStage(body);
  exchange.localBody = body;
  return undefined;
}

/** A function, since the phase changes while the filter waits. */
function isOver({ phase }: Exchange): boolean {
  return phase === 'done';
}

const PASSED: PluginOutcome = { type: 'passed' };
