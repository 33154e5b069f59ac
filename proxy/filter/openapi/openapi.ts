// Holds requests and answers to an OpenAPI document, or answers with its examples (`openapi` of an HTTPPolicy).
import { isOff } from '#api/k8s/http/openapi-rules.ts';
import type { Operation } from '#api/openapi/document.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { AnswerChange, FilterVerdict, Patience } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import { Answers } from './answers.ts';
import { DocumentInUse, type Checked, type CompiledDocument, type FoundOperation } from './document-in-use.ts';
import { documentSource, type SourceSettings } from './document-source.ts';
import { answerWithMock } from './mocks.ts';
import { Refusals, type Objection } from './refusals.ts';
import { Requests } from './requests.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['openapi']>;

/** The default of `maxBodySize` and `maxAnswerSize`. */
const MAX_BODY = 1_048_576;

/** A large document is read and compiled meanwhile. */
const PATIENCE: Patience = { timeout: 60_000, failOpen: false };

const NO_DOCUMENT: Objection = { error: ERRORS.documentUnresolved, reason: 'the document cannot be used', operation: '', faults: [] };
const NO_PATH: Objection = { error: ERRORS.pathUndocumented, reason: 'unknown path', operation: '', faults: [] };
const NO_METHOD: Objection = { error: ERRORS.methodUndocumented, reason: 'unknown method', operation: '', faults: [] };

class OpenApi implements Filter {
  readonly name = 'openapi';
  readonly patience = PATIENCE;
  readonly #document: DocumentInUse;
  readonly #passesUnknown: boolean;
  readonly #isMock: boolean;
  readonly #refusals: Refusals;
  /** Null: requests are not checked. */
  readonly #requests: Requests | null;
  readonly #checked: Checked;
  /** Null: answers are not checked. */
  readonly #answers: Answers | null;

  constructor(settings: Settings, context: PolicyFilterContext) {
    const { origins, security, wholeBody, wholeAnswer } = context;
    const { request, response = 'Off', mock, unknownPaths, basePath = null } = settings;
    const { maxBodySize = MAX_BODY, maxAnswerSize: maxBytes = MAX_BODY } = settings;
    const policy = origins[0]?.policy ?? '';
    this.#document = new DocumentInUse(documentSource(settings as SourceSettings, context), basePath, context.documents);
    this.#isMock = mock === 'Enabled';
    this.#passesUnknown = unknownPaths === 'Pass' || request === 'Off';
    this.#refusals = new Refusals(policy, request !== 'Report', security);
    this.#requests = request === 'Off' ? null : new Requests(maxBodySize, this.#refusals, wholeBody);
    this.#checked = checkedOf(request, response);
    this.#answers = response === 'Off' ? null : new Answers({ policy, refuses: response === 'Refuse', maxBytes, security, wholeAnswer });
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    const document = this.#document.current;
    return document === null ? this.#wait(exchange) : this.#hold(exchange, document);
  }

  /** For the first version of the document. */
  async #wait(exchange: Exchange): Promise<FilterVerdict> {
    const document = await this.#document.first();
    if (exchange.phase === 'done') return 'answered';
    if (document !== null) return this.#hold(exchange, document);
    const { problem } = this.#document;
    return this.#refusals.object(exchange, problem === '' ? NO_DOCUMENT : { ...NO_DOCUMENT, reason: problem });
  }

  #hold(exchange: Exchange, document: CompiledDocument): FilterVerdict | Promise<FilterVerdict> {
    const found = document.find(exchange.method, exchange.path);
    if (found === null || !('operation' in found)) return this.#unknown(exchange, found);
    const preparation = document.prepare(found.operation, this.#checked);
    if (preparation === null) return this.#check(exchange, document, found);
    return preparation.then(() => (exchange.phase === 'done' ? 'answered' : this.#check(exchange, document, found)));
  }

  #check(exchange: Exchange, document: CompiledDocument, found: FoundOperation): FilterVerdict | Promise<FilterVerdict> {
    const { operation } = found;
    const verdict = this.#requests === null ? 'continue' : this.#requests.check(exchange, document, found);
    if (!(verdict instanceof Promise)) return this.#pass(exchange, verdict, document, operation);
    return verdict.then((late) => this.#pass(exchange, late, document, operation));
  }

  /** `methods`: those that the path has; null: the path is unknown. */
  #unknown(exchange: Exchange, methods: readonly string[] | null): FilterVerdict {
    if (this.#passesUnknown) return 'continue';
    if (methods === null) return this.#refusals.object(exchange, NO_PATH);
    return this.#refusals.object(exchange, { ...NO_METHOD, headers: ['allow', methods.join(', ')] });
  }

  /** After the check of a request. */
  #pass(exchange: Exchange, verdict: FilterVerdict, document: CompiledDocument, operation: Operation): FilterVerdict {
    if (verdict !== 'continue' || exchange.phase === 'done') return verdict;
    if (this.#isMock) return answerWithMock(exchange, document, operation);
    this.#answers?.await(exchange, document, operation);
    return 'continue';
  }

  response(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    return this.#answers === null ? undefined : this.#answers.check(exchange);
  }

  dispose(): void {
    this.#document.close();
  }
}

function checkedOf(request: string | undefined, response: string): Checked {
  return new Set([...(request === 'Off' ? [] : (['request'] as const)), ...(response === 'Off' ? [] : (['answer'] as const))]);
}

export const openapi: FilterKind = {
  name: 'openapi',
  ofPolicies: (policies) => {
    const { openapi: settings } = policies.settings('HTTPPolicy').settings;
    if (settings !== undefined && isOff(settings)) return null;
    return policies.filterOf('HTTPPolicy', ['openapi'], ({ openapi: own = {} }, context) => new OpenApi(own, context));
  },
};
