// Authenticates requests (`authentication` of a SecurityPolicy): sets the principal, or refuses the request.
import { ERRORS, type ExchangeError } from '../../exchange/errors.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { refuse } from '../../exchange/local-reply.ts';
import type { FilterVerdict, Patience } from '../../exchange/plan.ts';
import { Slot } from '../../exchange/slot.ts';
import type { SecurityEventName, SecurityEvents } from '../../exchange/security-events.ts';
import type { Filter, FilterKind } from '../filter.ts';
import type { PolicyFilterContext } from '../rule-policies.ts';
import type { Authenticator, Outcome } from './authenticator.ts';
import { AUTHENTICATORS, type AuthenticatorSettings } from './index.ts';
import { RevocationWatch } from './revocation-watch.ts';
import { allOf, anyOf, leaf, type AuthenticationNode } from './tree.ts';

/** A member of a list: an authenticator, or a list within the list. */
type Member = AuthenticatorSettings & { readonly anyOf?: readonly Member[]; readonly allOf?: readonly Member[] };

class Authentication implements Filter {
  readonly name = 'authentication';
  readonly #tree: AuthenticationNode;
  readonly #authenticators: readonly Authenticator[];
  /** The values of WWW-Authenticate, each once. */
  readonly #challenges: readonly string[];
  readonly #revocations: RevocationWatch;
  readonly #security: SecurityEvents;
  readonly #policy: string;
  readonly #refused: PolicyFilterContext['refused'];
  /** Absent: the usual one of filters. */
  readonly patience?: Patience;

  constructor(tree: AuthenticationNode, revocations: RevocationWatch, { security, origins, refused }: PolicyFilterContext) {
    this.#refused = refused;
    this.#security = security;
    this.#policy = origins[0]?.policy ?? '';
    this.#tree = tree;
    this.#revocations = revocations;
    this.#authenticators = tree.authenticators;
    this.#challenges = [...new Set(tree.authenticators.map(({ challenge }) => challenge))].filter((challenge) => challenge !== '');
    const timeouts = tree.authenticators.flatMap(({ timeout }) => timeout ?? []);
    if (timeouts.length > 0) this.patience = { timeout: timeouts.reduce((sum, each) => sum + each, OTHERS_TIMEOUT), failOpen: false };
  }

  request(exchange: Exchange): FilterVerdict | Promise<FilterVerdict> {
    const outcome = this.#tree.check(exchange);
    if (outcome instanceof Promise) return outcome.then((late) => this.#decide(exchange, late));
    return this.#decide(exchange, outcome);
  }

  #decide(exchange: Exchange, outcome: Outcome): FilterVerdict {
    // Nothing of an exchange that is over may change.
    if (exchange.phase === 'done' || outcome.type === 'answered') return 'answered';
    if (outcome.type !== 'authenticated') return this.#refuse(exchange, outcome);
    exchange.principal = outcome.principal;
    if (this.#refused.hasCaller(outcome.principal)) return refuse(exchange, ERRORS.requestBlocked);
    this.#revocations.begin(exchange, outcome);
    for (const authenticator of this.#authenticators) authenticator.strip(exchange);
    if (outcome.admit !== undefined) for (const admit of outcome.admit) admit(exchange);
    return 'continue';
  }

  #refuse(exchange: Exchange, outcome: Refusal): FilterVerdict {
    const { type } = outcome;
    if (type === 'refused' && outcome.answer !== undefined) {
      this.#security.emit('access_denied', exchange, { reason: outcome.reason, policy: this.#policy });
      return outcome.answer(exchange);
    }
    const verdict = refuse(exchange, REFUSALS[type]);
    // Without credentials nothing has been tried.
    if (outcome.type !== 'absent') this.#security.emit(EVENTS[outcome.type], exchange, { reason: outcome.reason, policy: this.#policy });
    if (type === 'insufficient') exchange.responseHeaders.push('www-authenticate', outcome.challenge);
    else if (type !== 'unavailable') this.#challenge(exchange, type === 'refused' ? outcome.challenge : '');
    return verdict;
  }

  response(exchange: Exchange): void {
    for (const authenticator of this.#authenticators) authenticator.response?.(exchange);
  }

  /** `told`: the challenge with the error, in place of those of its scheme; '' without one. */
  #challenge({ responseHeaders }: Exchange, told: string): void {
    const others = this.#challenges.filter((challenge) => schemeOf(challenge) !== schemeOf(told));
    for (const challenge of told === '' ? others : [told, ...others]) responseHeaders.push('www-authenticate', challenge);
  }

  ended(exchange: Exchange): void {
    this.#revocations.stop(exchange);
  }

  dispose(): void {
    for (const authenticator of this.#authenticators) authenticator.dispose?.();
  }
}

type Refusal = Extract<Outcome, { type: keyof typeof REFUSALS }>;

const EVENTS = {
  refused: 'authentication_failed',
  insufficient: 'access_denied',
  unavailable: 'authentication_unavailable',
} as const satisfies Readonly<Record<string, SecurityEventName>>;

function schemeOf(challenge: string): string {
  return challenge.split(' ', 1)[0] as string;
}

const WATCH = new Slot<() => void>();

/** For the authenticators of a tree without a time of their own. */
const OTHERS_TIMEOUT = 5_000;

const REFUSALS = {
  absent: ERRORS.authenticationRequired,
  refused: ERRORS.authenticationFailed,
  insufficient: ERRORS.accessDenied,
  unavailable: ERRORS.authenticationUnavailable,
} as const satisfies Readonly<Record<string, ExchangeError>>;

function nodeOf(member: Member, context: PolicyFilterContext): AuthenticationNode {
  if (member.anyOf !== undefined) return anyOf(member.anyOf.map((inner) => nodeOf(inner, context)));
  if (member.allOf !== undefined) return allOf(member.allOf.map((inner) => nodeOf(inner, context)));
  const made = AUTHENTICATORS.flatMap((make) => make(member, context) ?? []);
  return allOf(made.map(leaf));
}

export const authentication: FilterKind = {
  name: 'authentication',
  ofPolicies: (policies) => {
    if (policies.settings('SecurityPolicy').settings.authentication === undefined) return null;
    return policies.filterOf('SecurityPolicy', ['authentication', 'revocation'], (settings, context) => {
      const { authentication: tree = {}, revocation } = settings;
      const revocations = new RevocationWatch(context, revocation?.openRequests === 'Close', WATCH);
      return new Authentication(nodeOf(tree, context), revocations, context);
    });
  },
};
