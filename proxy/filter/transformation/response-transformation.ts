// Changes answers, also those of the proxy itself (`response` of an HTTPPolicy).
import type { Facts } from '#api/expression/facts.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
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

  constructor({ when, status = [], headers, cookies }: Settings) {
    this.#when = condition(when, 'response');
    this.#status = status.map(({ when: each, to = 200 }) => ({ when: condition(each, 'response'), to }));
    this.#headers = headers === undefined ? null : new HeaderChanges(headers, 'response');
    this.#cookies = cookies === undefined ? null : new AnswerCookieChanges(cookies);
  }

  response(exchange: Exchange): AnswerChange {
    const facts = answerFacts(exchange);
    if (!this.#when(facts)) return;
    // All values are made before the first change.
    const headers = this.#headers?.of(facts);
    const cookies = this.#cookies?.of(facts);
    this.#changeStatus(exchange, facts);
    headers?.({ headers: exchange.responseHeaders });
    cookies?.(exchange.responseHeaders);
  }

  /** gRPC calls have the status in their trailers. */
  #changeStatus(exchange: Exchange, facts: Facts): void {
    if (exchange.grpc || FIXED_STATUSES.has(exchange.status)) return;
    const change = this.#status.find(({ when }) => when(facts));
    if (change !== undefined) exchange.status = change.to;
  }
}

export const responseTransformation: FilterKind = {
  name: 'responseTransformation',
  ofPolicies: (policies) => policies.filterOf('HTTPPolicy', ['response'], ({ response = {} }) => new ResponseTransformation(response)),
};
