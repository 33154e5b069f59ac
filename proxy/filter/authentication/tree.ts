// Trees of authenticators. anyOf: the first that accepts the request; allOf: all of them, as one principal.
import type { Exchange } from '../../exchange/exchange.ts';
import type { Principal } from '../../exchange/principal.ts';
import { ABSENT, type Authenticator, type Outcome } from './authenticator.ts';

/** A node of a tree. */
export interface AuthenticationNode {
  /** Every authenticator of the node. */
  readonly authenticators: readonly Authenticator[];
  check(exchange: Exchange): Outcome | Promise<Outcome>;
}

/** A single authenticator. */
export function leaf(authenticator: Authenticator): AuthenticationNode {
  return { authenticators: [authenticator], check: (exchange) => authenticator.authenticate(exchange) };
}

/**
 * The first node that accepts the request. If none does: a credential that cannot be verified counts most, since it may be right; then one
 * that is right and does not allow the request, then a wrong one, then none.
 */
export function anyOf(nodes: readonly AuthenticationNode[]): AuthenticationNode {
  return {
    authenticators: nodes.flatMap(({ authenticators }) => authenticators),
    check: (exchange) => firstOf(nodes, exchange, 0, ABSENT),
  };
}

function firstOf(nodes: readonly AuthenticationNode[], exchange: Exchange, start: number, before: Outcome): Outcome | Promise<Outcome> {
  let worst = before;
  for (let i = start; i < nodes.length; i++) {
    const outcome = (nodes[i] as AuthenticationNode).check(exchange);
    if (outcome instanceof Promise)
      return outcome.then((late) => (isFinal(late) ? late : firstOf(nodes, exchange, i + 1, worse(worst, late))));
    if (isFinal(outcome)) return outcome;
    worst = worse(worst, outcome);
  }
  return worst;
}

function isFinal({ type }: Outcome): boolean {
  return type === 'authenticated' || type === 'answered';
}

const RANK: Readonly<Record<Outcome['type'], number>> = {
  absent: 0,
  refused: 1,
  insufficient: 2,
  unavailable: 3,
  authenticated: 4,
  answered: 4,
};

function worse(a: Outcome, b: Outcome): Outcome {
  return RANK[b.type] > RANK[a.type] ? b : a;
}

/** All nodes must accept the request. The first that does not decides. */
export function allOf(nodes: readonly AuthenticationNode[]): AuthenticationNode {
  return { authenticators: nodes.flatMap(({ authenticators }) => authenticators), check: (exchange) => every(nodes, exchange, 0, null) };
}

function every(
  nodes: readonly AuthenticationNode[],
  exchange: Exchange,
  start: number,
  before: Outcome | null,
): Outcome | Promise<Outcome> {
  let all = before;
  for (let i = start; i < nodes.length; i++) {
    const outcome = (nodes[i] as AuthenticationNode).check(exchange);
    if (outcome instanceof Promise)
      return outcome.then((late) => (late.type === 'authenticated' ? every(nodes, exchange, i + 1, both(all, late)) : late));
    if (outcome.type !== 'authenticated') return outcome;
    all = both(all, outcome);
  }
  return all ?? ABSENT;
}

/** One principal of two: the first says which it is, and wins where both have a claim. */
function both(first: Outcome | null, second: Outcome): Outcome {
  if (first === null || first.type !== 'authenticated' || second.type !== 'authenticated') return second;
  return {
    type: 'authenticated',
    principal: merged(first.principal, second.principal),
    credential: first.credential ?? second.credential,
    admit: all(first.admit, second.admit),
    watches: all(first.watches, second.watches),
    sessions: all(first.sessions, second.sessions),
  };
}

function all<T>(first: readonly T[] = [], second: readonly T[] = []): readonly T[] {
  return [...first, ...second];
}

function merged(first: Principal, second: Principal): Principal {
  return {
    ...first,
    groups: [...new Set([...first.groups, ...second.groups])],
    claims: { ...second.claims, ...first.claims },
    consumer: first.consumer === '' ? second.consumer : first.consumer,
    plan: first.plan === '' ? second.plan : first.plan,
  };
}
