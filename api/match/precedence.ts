// Which of two matches of the same host wins: the rules of HTTPRouteRule.matches and GRPCRouteRule.matches in the Gateway API, one step a line.
import { compareText } from '#lib/compare-text.ts';
import type { Candidate } from './candidate.ts';

/** One rule. `compare` is negative if `a` comes first; `because` then gives the reason, for the owner of `loser`. */
export interface PrecedenceStep {
  compare(a: Candidate, b: Candidate): number;
  because(winner: Candidate, loser: Candidate): string;
}

/**
 * Regular expressions come between exact paths and prefixes: the API leaves their place to the implementation. A GrpcMethod does not name a
 * whole service, so prefixes (whole services in a GRPCRoute) come before it, except the prefix `/`.
 */
const PATH_ORDER = { Exact: 0, RegularExpression: 1, PathPrefix: 2, GrpcMethod: 3 } as const;
const LAST = 4;

/** In this order. The last two only make the order deterministic. */
const PRECEDENCE: readonly PrecedenceStep[] = [
  {
    compare: (a, b) => pathOrder(a) - pathOrder(b),
    because: (winner, loser) => `${pathName(winner)} go before ${winner.pathType === 'GrpcMethod' ? 'the prefix /' : pathName(loser)}`,
  },
  {
    compare: (a, b) => b.path.length - a.path.length,
    because: (winner, loser) => `"${winner.match.path.value}" is longer than "${loser.match.path.value}"`,
  },
  {
    compare: (a, b) => (b.match.path.serviceLength ?? 0) - (a.match.path.serviceLength ?? 0),
    because: (winner, loser) => `the service of "${winner.match.path.value}" is longer than that of "${loser.match.path.value}"`,
  },
  {
    compare: (a, b) => (b.match.path.methodLength ?? 0) - (a.match.path.methodLength ?? 0),
    because: (winner, loser) => `the method of "${winner.match.path.value}" is longer than that of "${loser.match.path.value}"`,
  },
  {
    compare: (a, b) => Number(a.method === null) - Number(b.method === null),
    because: (winner) => `a match of method ${winner.method} goes before one of any method`,
  },
  {
    compare: (a, b) => count(b.headers) - count(a.headers),
    because: (winner, loser) => `${count(winner.headers)} header matches go before ${count(loser.headers)}`,
  },
  {
    compare: (a, b) => count(b.query) - count(a.query),
    because: (winner, loser) => `${count(winner.query)} query matches go before ${count(loser.query)}`,
  },
  {
    compare: (a, b) => a.route.createdAt - b.route.createdAt,
    because: (winner) => `lost the tie: younger than ${winner.route.key}`,
  },
  {
    compare: (a, b) => compareText(objectName(a), objectName(b)),
    because: (winner, loser) => `lost the tie: "${objectName(loser)}" comes after "${objectName(winner)}"`,
  },
  {
    compare: (a, b) => compareText(a.route.objectKind, b.route.objectKind),
    because: (winner, loser) => `lost the tie: ${loser.route.objectKind} comes after ${winner.route.objectKind}`,
  },
  {
    compare: (a, b) => a.route.ruleIndex - b.route.ruleIndex,
    because: (winner, loser) => `lost the tie: rule ${loser.route.ruleIndex} comes after rule ${winner.route.ruleIndex}`,
  },
  {
    compare: (a, b) => a.matchIndex - b.matchIndex,
    because: (winner, loser) => `lost the tie: match ${loser.matchIndex} comes after match ${winner.matchIndex}`,
  },
  {
    compare: (a, b) => compareText(a.listener, b.listener),
    because: (winner, loser) => `lost the tie: listener ${loser.listener} comes after ${winner.listener}`,
  },
  {
    compare: (a, b) => compareText(a.route.key, b.route.key),
    because: (winner, loser) => `lost the tie: ${loser.route.key} comes after ${winner.route.key}`,
  },
];

/** For `sort`: the winner comes first. */
export function comparePrecedence(a: Candidate, b: Candidate): number {
  for (const step of PRECEDENCE) {
    const order = step.compare(a, b);
    if (order !== 0) return order;
  }
  return 0;
}

/** The reason why the winner comes before the loser, from the first rule that decides. */
export function whyBefore(winner: Candidate, loser: Candidate): string {
  const step = PRECEDENCE.find(({ compare }) => compare(winner, loser) !== 0);
  return step === undefined ? 'the same match' : step.because(winner, loser);
}

function pathOrder({ pathType, path }: Candidate): number {
  return pathType === 'PathPrefix' && path === '' ? LAST : PATH_ORDER[pathType];
}

function pathName({ pathType }: Candidate): string {
  return `${pathType} paths`;
}

/** `<namespace>/<name>`, which the API compares as one string. */
function objectName(candidate: Candidate): string {
  return `${candidate.route.namespace}/${candidate.route.name}`;
}

function count(predicates: readonly unknown[] | null): number {
  return predicates === null ? 0 : predicates.length;
}
