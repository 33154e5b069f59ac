// The `plugin` of an ExtensionPolicy: a module of a user sees and changes requests and answers.
import type { PolicySettings } from '#api/policy/settings.ts';
import { bodyChanges, mayHaveBody, requestBodyChanges } from '../../exchange/changed-body.ts';
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { AnswerChange, FilterVerdict, Patience } from '../../exchange/plan.ts';
import type { PluginHook, PluginOutcome, RunningPlugin } from '../../exchange/plugins.ts';
import { AnswerRefusal, replaceAnswer, replaceRequest } from '../../exchange/replaced-body.ts';
import type { Filter, FilterDependencies, FilterKind } from '../filter.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { ChunkStage } from './chunk-stage.ts';

type Settings = NonNullable<PolicySettings<'ExtensionPolicy'>['plugin']>;

const DEFAULT_CALL_TIME_MS = 50;
const DEFAULT_TIMEOUT_MS = 5_000;
const DEFAULT_MEMORY = 16 * 1_048_576;
const DEFAULT_BODY_SIZE = 1_048_576;
/** Calls have times of their own, and bodies those of clients and backends. */
const PATIENCE: Patience = { timeout: 3_600_000, failOpen: false };
const REQUEST_HOOKS: readonly PluginHook[] = ['onRequest', 'onRequestBody', 'onRequestChunk'];
const RESPONSE_HOOKS: readonly PluginHook[] = ['onResponse', 'onResponseBody', 'onResponseChunk'];
const OWN_ERRORS: ReadonlySet<ExchangeError['code']> = new Set(
  [ERRORS.pluginFailed, ERRORS.pluginTimeout, ERRORS.pluginMemory, ERRORS.pluginUnavailable].map(({ code }) => code),
);

type Bodies = Pick<FilterDependencies, 'wholeBody' | 'wholeAnswer'>;

class PluginFilter implements Filter {
  readonly name = 'plugin';
  readonly patience = PATIENCE;
  readonly #plugin: RunningPlugin;
  readonly #bodies: Bodies;
  readonly #maxBody: number;
  readonly #failOpen: boolean;

  constructor(plugin: RunningPlugin, bodies: Bodies, { maxBodySize = DEFAULT_BODY_SIZE, onError }: Settings) {
    this.#plugin = plugin;
    this.#bodies = bodies;
    this.#maxBody = maxBodySize;
    this.#failOpen = onError === 'Open';
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

  async #request(exchange: Exchange): Promise<FilterVerdict> {
    const problem = await this.#plugin.ready();
    if (isOver(exchange)) return 'answered';
    if (problem !== null) return this.#refuse(exchange, problem);
    const outcome = this.#plugin.has('onRequest') === true ? await this.#plugin.call('onRequest', exchange, null, false) : PASSED;
    if (isOver(exchange) || outcome.type === 'answered') return 'answered';
    if (outcome.type === 'failed') return this.#refuse(exchange, outcome.error);
    return exchange.requestLength === 0 || exchange.upgrade !== '' || exchange.grpc ? 'continue' : this.#requestContent(exchange);
  }

  #requestContent(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (this.#plugin.has('onRequestBody') === true) return this.#requestBody(exchange);
    if (this.#plugin.has('onRequestChunk') !== true) return 'continue';
    requestBodyChanges(exchange);
    return new ChunkStage('onRequestChunk', exchange, this.#plugin, this.#failOpen);
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

  async #response(exchange: Exchange): Promise<AnswerChange> {
    const problem = await this.#plugin.ready();
    if (isOver(exchange)) return undefined;
    if (problem !== null) return this.#failed(problem);
    const outcome = this.#plugin.has('onResponse') === true ? await this.#plugin.call('onResponse', exchange, null, false) : PASSED;
    if (outcome.type === 'failed') return this.#failed(outcome.error);
    return isOver(exchange) || exchange.grpc || !mayHaveBody(exchange) ? undefined : this.#responseContent(exchange);
  }

  #responseContent(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    if (this.#plugin.has('onResponseBody') === true) return this.#responseBody(exchange);
    if (this.#plugin.has('onResponseChunk') !== true) return undefined;
    bodyChanges(exchange);
    return exchange.method === 'HEAD' ? undefined : new ChunkStage('onResponseChunk', exchange, this.#plugin, this.#failOpen);
  }

  async #responseBody(exchange: Exchange): Promise<AnswerChange> {
    const body = await this.#bodies.wholeAnswer(exchange, this.#maxBody);
    if (isOver(exchange)) return undefined;
    if (body === null) return new AnswerRefusal(ERRORS.answerTooLarge);
    const outcome = await this.#plugin.call('onResponseBody', exchange, body, true);
    if (outcome.type === 'failed') return this.#failed(outcome.error);
    return outcome.type === 'replaced' ? replaceAnswer(exchange, outcome.body) : undefined;
  }

  #failed(error: ExchangeError): AnswerChange {
    return this.#failOpen ? undefined : new AnswerRefusal(error);
  }
}

/** A function, since the phase changes while the filter waits. */
function isOver({ phase }: Exchange): boolean {
  return phase === 'done';
}

const PASSED: PluginOutcome = { type: 'passed' };

export const plugin: FilterKind = {
  name: 'plugin',
  isExtension: true,
  ofPolicies: (policies) => {
    if (policies.settings('ExtensionPolicy').settings.plugin?.mode === 'Disabled') return null;
    return policies.filterOf('ExtensionPolicy', ['plugin'], ({ plugin: settings = {} }, context) => open(settings, context));
  },
};

function open(settings: Settings, context: PolicyFilterContext): Filter {
  const { module = { data: '', key: '' }, config = {}, backends = [] } = settings;
  const running = context.plugins.start({
    policy: context.origins[0]?.policy ?? '',
    name: `${module.data.split('/').at(-1)}/${module.key}`,
    module: context.data.handle(module),
    language: /\.m?ts$/.test(module.key) ? 'typescript' : 'javascript',
    config: JSON.stringify(config),
    callTime: settings.callTime ?? DEFAULT_CALL_TIME_MS,
    timeout: settings.timeout ?? DEFAULT_TIMEOUT_MS,
    memory: settings.memory ?? DEFAULT_MEMORY,
    backends: new Map(backends.map(({ name = '', backendRef }) => [name, backendRef?.cluster ?? ''])),
  });
  return new PluginFilter(running, context, settings);
}
