// Changes answers, also those of the proxy itself (`response` of an HTTPPolicy).
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { removeHeader } from '../../exchange/headers.ts';
import type { AnswerChange, FilterVerdict } from '../../exchange/plan.ts';
import { AnswerRefusal } from '../../exchange/replaced-body.ts';
import type { Filter, FilterDependencies, FilterKind } from '../filter.ts';
import { AnswerBody } from './answer-body.ts';
import type { BodyForm } from './body-form.ts';
import { AnswerCookieChanges } from './cookie-changes.ts';
import { HeaderChanges } from './header-changes.ts';
import { answerFacts, condition, type Condition } from './template.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['response']>;

/** Answers whose status says how their message goes on. */
const FIXED_STATUSES: ReadonlySet<number> = new Set([101, 204, 205, 206, 304]);

interface StatusChange {
  readonly when: Condition;
  readonly to: number;
}

class ResponseTransformation implements Filter {
  readonly name = 'responseTransformation';
  readonly #when: Condition;
  readonly #status: readonly StatusChange[];
  readonly #headers: HeaderChanges | null;
  readonly #cookies: AnswerCookieChanges | null;
  readonly #body: AnswerBody | null;

  constructor({ when, status = [], headers, cookies, body }: Settings, { wholeAnswer }: Pick<FilterDependencies, 'wholeAnswer'>) {
    this.#body = body === undefined ? null : new AnswerBody(body, wholeAnswer);
    this.#when = condition(when, 'response');
    this.#status = status.map(({ when: each, to = 200 }) => ({ when: condition(each, 'response'), to }));
    this.#headers = headers === undefined ? null : new HeaderChanges(headers, 'response');
    this.#cookies = cookies === undefined ? null : new AnswerCookieChanges(cookies);
  }

  /** The body of an answer to a range is a part of one, which cannot be changed. */
  request(exchange: Exchange): FilterVerdict {
    if (this.#body === null) return 'continue';
    removeHeader(exchange.requestHeaders, 'range');
    removeHeader(exchange.requestHeaders, 'if-range');
    return 'continue';
  }

  response(exchange: Exchange): AnswerChange | Promise<AnswerChange> {
    const facts = answerFacts(exchange);
    if (!this.#when(facts)) return;
    // All values are made before the first change.
    const headers = this.#headers?.of(facts);
    const cookies = this.#cookies?.of(facts);
    const status = this.#newStatus(exchange, facts);
    const changeHead = (): void => {
      exchange.status = status;
      headers?.({ headers: exchange.responseHeaders });
      cookies?.(exchange.responseHeaders);
    };
    const form = this.#body?.formOf(exchange) ?? null;
    if (form !== null) return this.#withBody(exchange, form, facts, changeHead);
    changeHead();
  }

  async #withBody(exchange: Exchange, form: BodyForm, facts: Facts, changeHead: () => void): Promise<AnswerChange> {
    const { signal } = exchange;
    const change = await (this.#body as AnswerBody).change(exchange, form, facts);
    if (!signal.aborted && !(change instanceof AnswerRefusal)) changeHead();
    return change;
  }

  /** gRPC calls have the status in their trailers. */
  #newStatus({ grpc, status }: Exchange, facts: Facts): number {
    if (grpc || FIXED_STATUSES.has(status)) return status;
    return this.#status.find(({ when }) => when(facts))?.to ?? status;
  }
}

export const responseTransformation: FilterKind = {
  name: 'responseTransformation',
  ofPolicies: (policies) =>
    policies.filterOf('HTTPPolicy', ['response'], ({ response = {} }, context) => new ResponseTransformation(response, context)),
};
