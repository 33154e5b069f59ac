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
import type { PolicyFilterContext } from './rule-policies.ts';

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

/** Also ends what the rules have let through, once other rules of the same policies replace them. */
class ClosingAccessRules extends AccessRules {
  readonly #context: PolicyFilterContext;
  readonly #policy: string;
  readonly #policies: string;
  readonly #open = new Set<Exchange>();

  constructor(settings: Settings, policy: string, context: PolicyFilterContext) {
    super(settings, policy, context.refusals, context.security);
    this.#context = context;
    this.#policy = policy;
    this.#policies = JSON.stringify(context.origins.map((origin) => origin.policy));
    context.rules.begin(this.#policies);
  }

  override request(exchange: Exchange): FilterVerdict {
    const verdict = super.request(exchange);
    if (verdict === 'continue') this.#open.add(exchange);
    return verdict;
  }

  ended(exchange: Exchange): void {
    this.#open.delete(exchange);
  }

  dispose(): void {
    const { rules, security, end } = this.#context;
    // Without successors the policy or its routes are gone, and nothing forbids what is open.
    if (!rules.end(this.#policies)) return;
    for (const exchange of [...this.#open]) {
      security.emit('credential_revoked', exchange, { policy: this.#policy, reason: 'the rules of authorization have changed' });
      end(exchange, ERRORS.credentialRevoked);
    }
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
  ofPolicies: (policies) => {
    if (policies.settings('SecurityPolicy').settings.authorization === undefined) return null;
    return policies.filterOf('SecurityPolicy', ['authorization', 'revocation'], (settings, context) => {
      const { authorization: rules = {}, revocation } = settings;
      const policy = context.origins.find(({ field }) => field.startsWith('authorization'))?.policy ?? '';
      if (revocation?.openRequests === 'Close') return new ClosingAccessRules(rules, policy, context);
      return new AccessRules(rules, policy, context.refusals, context.security);
    });
  },
};
