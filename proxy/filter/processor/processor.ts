// The `processor` of an ExtensionPolicy: an external service processes requests and answers, by Envoy's protocol ext_proc.
import { unresolvedPolicy } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { withDashes } from '../../exchange/forwarded-names.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { AnswerChange, FilterVerdict, Patience } from '../../exchange/plan.ts';
import { Slot } from '../../exchange/slot.ts';
import type { FilterDependencies, Filter, FilterKind } from '../filter.ts';
import { identityNames } from '../headers-to-backend.ts';
import { Conversation, type ConversationOptions } from './conversation.ts';
import { removeDestination } from './destination.ts';
import { RequestHalf, ResponseHalf, type RequestBodies } from './half.ts';
import type { HeaderRules } from './header-changes.ts';
import { modesOf, type ProcessorSettings } from './modes.ts';
import { observe } from './observing.ts';
import { Processing, type ProcessorPlan } from './processing.ts';

/** As with Envoy. */
const DEFAULT_TIMEOUT_MS = 200;
const DEFAULT_BODY_BYTES = 1_048_576;
/** The changes of headers beside a body in a message. */
const HEAD_BYTES = 65_536;
/** Messages have times of their own, and bodies those of clients and backends. */
const PATIENCE: Patience = { timeout: 3_600_000, failOpen: false };

/** The processing of an exchange, or the conversation of an observer. */
const UNDER_WAY = new Slot<Processing | Conversation>();

class Processor implements Filter {
  readonly name = 'processor';
  readonly patience = PATIENCE;
  readonly #plan: ProcessorPlan;
  readonly #options: ConversationOptions;
  readonly #dependencies: RequestBodies & Pick<FilterDependencies, 'call'>;

  constructor(plan: ProcessorPlan, options: ConversationOptions, dependencies: RequestBodies & Pick<FilterDependencies, 'call'>) {
    this.#plan = plan;
    this.#options = options;
    this.#dependencies = dependencies;
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    if (this.#options.cluster === '') return refuse(exchange, unresolvedPolicy(this.#plan.policy, 'the processor has no backend'));
    const conversation = new Conversation(this.#dependencies.call, this.#options, exchange.trace);
    const half = new RequestHalf(exchange, this.#dependencies);
    if (this.#options.observes) {
      UNDER_WAY.set(exchange, conversation);
      return observe(half, this.#plan, conversation) ?? 'continue';
    }
    removeDestination(exchange.requestHeaders);
    const processing = new Processing(this.#plan, conversation);
    UNDER_WAY.set(exchange, processing);
    return processing.run(half);
  }

  response(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    const underWay = UNDER_WAY.get(exchange);
    if (underWay === null || exchange.status === 101) return undefined;
    const half = new ResponseHalf(exchange);
    if (underWay instanceof Conversation) return observe(half, this.#plan, underWay) ?? undefined;
    return underWay.isUnderWay ? underWay.run(half).then(stageOf) : undefined;
  }

  ended(exchange: Exchange): void {
    const underWay = UNDER_WAY.get(exchange);
    if (underWay === null) return;
    underWay.finish();
    this.#plan.count(underWay instanceof Processing ? underWay.outcome : 'observed');
    UNDER_WAY.set(exchange, null);
  }
}

function stageOf(verdict: FilterVerdict): AnswerChange {
  return typeof verdict === 'string' ? undefined : verdict;
}

function lowerCase(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}

function rulesOf(
  { allow, deny = [], routing = false, onRefused }: NonNullable<ProcessorSettings['headers']>,
  identity: readonly string[],
): Omit<HeaderRules, 'ignored'> {
  return {
    allow: allow === undefined ? null : lowerCase(allow),
    deny: lowerCase(deny),
    protectedNames: new Set(identity.map(withDashes)),
    routing,
    isStrict: onRefused === 'Fail',
  };
}

export const processor: FilterKind = {
  name: 'processor',
  isExtension: true,
  ofPolicies: (policies) => {
    const { processor: wanted } = policies.settings('ExtensionPolicy').settings;
    if (wanted === undefined || wanted.mode === 'Disabled') return null;
    const identity = identityNames(policies.settings('SecurityPolicy').settings);
    const draft = policies.filterOf(
      'ExtensionPolicy',
      ['processor'],
      ({ processor: settings = {} }, { origins, security, processors, call, bodyStart, passThrough }) => {
        const policy = origins[0]?.policy ?? '';
        const tell: ProcessorPlan['tell'] = (exchange, name, reason) => security.emit(name, exchange, { reason, policy });
        const count: ProcessorPlan['count'] = (outcome) => processors.count(policy, outcome);
        const ignored: ProcessorPlan['ignored'] = (field) => processors.ignored(policy, field);
        return new Processor({ ...planOf(settings, identity, ignored), policy, tell, count }, optionsOf(settings), {
          call,
          bodyStart,
          passThrough,
        });
      },
    );
    return draft === null ? null : { ...draft, identity: [draft.identity, identity] };
  },
};

function planOf(
  settings: ProcessorSettings,
  identity: readonly string[],
  ignored: ProcessorPlan['ignored'],
): Omit<ProcessorPlan, 'policy' | 'tell' | 'count'> {
  return {
    ignored,
    modes: modesOf(settings),
    sentNames: settings.headersToService === undefined ? null : lowerCase(settings.headersToService),
    allowsOverride: settings.allowModeOverride === true,
    maxBodyBytes: settings.maxBodyBytes ?? DEFAULT_BODY_BYTES,
    failOpen: settings.onError === 'Open',
    rules: { ...rulesOf(settings.headers ?? {}, identity), ignored: () => ignored('headers') },
    attributes: { request: settings.requestAttributes ?? [], response: settings.responseAttributes ?? [] },
  };
}

function optionsOf(settings: ProcessorSettings): ConversationOptions {
  return {
    cluster: settings.backendRef?.cluster ?? '',
    timeout: settings.messageTimeout ?? DEFAULT_TIMEOUT_MS,
    maxTimeout: settings.maxMessageTimeout ?? 0,
    maxMessageBytes: (settings.maxBodyBytes ?? DEFAULT_BODY_BYTES) + HEAD_BYTES,
    observes: settings.mode === 'Observe',
  };
}
