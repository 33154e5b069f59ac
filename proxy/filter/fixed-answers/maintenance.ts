// Answers requests with 503 while their route is under maintenance (`maintenance` of an HTTPPolicy).
import type { PolicySettings } from '#api/policy/settings.ts';
import { AddressRanges } from '#lib/address-ranges.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { hasHeader } from '../../exchange/headers.ts';
import type { Headers } from '../../exchange/headers.ts';
import { refuse, reply } from '../../exchange/local-reply.ts';
import type { ObjectData } from '../../exchange/object-data.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { FixedAnswer } from './fixed-answer.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['maintenance']>;

class Maintenance implements Filter {
  readonly name = 'maintenance';
  readonly #answer: FixedAnswer;
  readonly #exempt: AddressRanges;
  /** Seconds; null without one. */
  readonly #retryAfter: string | null;

  constructor({ exempt = [], retryAfter, ...answer }: Settings, data: ObjectData) {
    this.#answer = new FixedAnswer(answer, data);
    this.#exempt = AddressRanges.parse(exempt);
    this.#retryAfter = retryAfter === undefined ? null : String(Math.ceil(retryAfter / 1_000));
  }

  request(exchange: Exchange): FilterVerdict {
    if (this.#exempt.includes(exchange.clientAddress)) return 'continue';
    const verdict = refuse(exchange, ERRORS.maintenance);
    if (exchange.grpc) return verdict;
    const { body } = this.#answer;
    if (body === null) this.#answer.addTo(exchange.responseHeaders);
    else reply(exchange, ERRORS.maintenance.status, this.#ownHeaders(), body);
    if (this.#retryAfter !== null) exchange.responseHeaders.push('retry-after', this.#retryAfter);
    return verdict;
  }

  /** No cache keeps the answer beyond the maintenance, unless its author says so. */
  #ownHeaders(): Headers {
    const headers = this.#answer.headers();
    return hasHeader(headers, 'cache-control') ? headers : [...headers, 'cache-control', 'no-store'];
  }
}

export const maintenance: FilterKind = {
  name: 'maintenance',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.maintenance?.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['maintenance'], ({ maintenance: settings = {} }, { data }) => new Maintenance(settings, data));
  },
};
