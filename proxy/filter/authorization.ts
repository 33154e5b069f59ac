// Refuses requests by the rules of the `authorization` of a SecurityPolicy.
import { Authorization, type AccessDecision } from '#api/authorization/authorization.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { ERRORS, withDetail, type ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { refuse } from '../exchange/local-reply.ts';
import type { FilterVerdict } from '../exchange/plan.ts';
import type { RefusalCounts, Refusals } from '../exchange/refusal-counts.ts';
import { requestFacts } from './facts.ts';
import type { SecurityEventFields, SecurityEvents } from '../exchange/security-events.ts';
import type { Filter, FilterKind } from './filter.ts';

type Settings = NonNullable<PolicySettings<'SecurityPolicy'>['authorization']>;

/** What a refusal says to the operator. */
interface Refusal {
  readonly error: ExchangeError;
  readonly counts: Refusals;
  readonly event: SecurityEventFields;
}

class AccessRules implements Filter {
  readonly name = 'authorization';
  readonly #authorization: Authorization<Exchange>;
  readonly #security: SecurityEvents;
  readonly #refusals: ReadonlyMap<AccessDecision, Refusal>;

  constructor(settings: Settings, policy: string, counts: RefusalCounts, security: SecurityEvents) {
    this.#security = security;
    this.#authorization = new Authorization(settings, requestFacts);
    this.#refusals = new Map(
      this.#authorization.decisions.map((decision) => [
        decision,
        {
          error: withDetail(ERRORS.accessDenied, detailOf(decision, policy)),
          counts: counts.of({ setting: 'authorization', policy, rule: decision.rule }),
          event: { policy, rule: decision.rule, reason: reasonOf(decision) },
        },
      ]),
    );
  }

  request(exchange: Exchange): FilterVerdict {
    const decision = this.#authorization.decide(exchange);
    if (decision.allowed) return 'continue';
    const { error, counts, event } = this.#refusals.get(decision) as Refusal;
    if (this.#authorization.enforced) {
      counts.refused++;
      this.#security.emit('access_denied', exchange, event);
      return refuse(exchange, error);
    }
    counts.dryRun++;
    this.#security.emit('dry_run_denied', exchange, event);
    return 'continue';
  }
}

function reasonOf({ rule, undecided }: AccessDecision): string {
  if (rule === '') return 'no rule allows it';
  return undecided ? 'the expression of the rule has no value' : 'a rule denies it';
}

function detailOf({ rule, undecided }: AccessDecision, policy: string): string {
  if (rule === '') return `no rule of ${policy} allows it`;
  return undecided ? `rule ${rule} of ${policy}, whose expression has no value` : `rule ${rule} of ${policy}`;
}

export const authorization: FilterKind = {
  name: 'authorization',
  ofPolicies: (policies) =>
    policies.filterOf(
      'SecurityPolicy',
      ['authorization'],
      ({ authorization: settings = {} }, { origins, refusals, security }) =>
        new AccessRules(settings, origins[0]?.policy ?? '', refusals, security),
    ),
};
