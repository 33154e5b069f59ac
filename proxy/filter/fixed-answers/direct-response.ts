// Answers requests in place of a backend (`directResponse` of an HTTPPolicy).
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { refuse, reply } from '../../exchange/local-reply.ts';
import type { ObjectData } from '../../exchange/object-data.ts';
import type { FilterVerdict } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { FixedAnswer } from './fixed-answer.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['directResponse']>;

class DirectResponse implements Filter {
  readonly name = 'directResponse';
  readonly #status: number;
  readonly #answer: FixedAnswer;

  constructor({ status = 200, ...answer }: Settings, data: ObjectData) {
    this.#status = status;
    this.#answer = new FixedAnswer(answer, data);
  }

  request(exchange: Exchange): FilterVerdict {
    if (exchange.grpc) return refuse(exchange, ERRORS.answerNotGrpc);
    const { body, namesBody } = this.#answer;
    if (body === null && namesBody) return refuse(exchange, ERRORS.answerUnresolved);
    reply(exchange, this.#status, this.#answer.headers(), body);
    return 'answered';
  }
}

export const directResponse: FilterKind = {
  name: 'directResponse',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.directResponse?.mode === 'Disabled') return null;
    return policies.filterOf(
      'HTTPPolicy',
      ['directResponse'],
      ({ directResponse: settings = {} }, { data }) => new DirectResponse(settings, data),
    );
  },
};
