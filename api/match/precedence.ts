// Which of two matches of the same host wins: the rules of HTTPRouteRule.matches in the Gateway API, one step a line.
import type { Candidate } from './candidate.ts';

/** One rule. Negative: `a` goes first. `describe` says what it compares, for explanations. */
export interface PrecedenceStep {
  readonly name: string;
  compare(a: Candidate, b: Candidate): number;
  describe(candidate: Candidate): string;
}

/** Regular expressions stand between exact paths and prefixes; the API leaves their place to the implementation. */
const PATH_ORDER = { Exact: 0, RegularExpression: 1, PathPrefix: 2 } as const;

/** In this order. The last one decides between equals of several listeners, only so that the order is always the same. */
export const PRECEDENCE: readonly PrecedenceStep[] = [
  { name: 'path type', compare: (a, b) => PATH_ORDER[a.pathType] - PATH_ORDER[b.pathType], describe: (c) => c.pathType },
  { name: 'path length', compare: (a, b) => b.path.length - a.path.length, describe: (c) => `${c.path.length} characters` },
  {
    name: 'method',
    compare: (a, b) => Number(a.method === null) - Number(b.method === null),
    describe: (c) => (c.method === null ? 'any method' : 'a method'),
  },
  { name: 'header matches', compare: (a, b) => countHeaders(b) - countHeaders(a), describe: (c) => String(countHeaders(c)) },
  { name: 'query matches', compare: (a, b) => countQuery(b) - countQuery(a), describe: (c) => String(countQuery(c)) },
  { name: 'age', compare: (a, b) => a.route.createdAt - b.route.createdAt, describe: (c) => `created at ${c.route.createdAt}` },
  { name: 'name', compare: (a, b) => compareText(objectName(a), objectName(b)), describe: objectName },
  { name: 'kind', compare: (a, b) => compareText(a.route.objectKind, b.route.objectKind), describe: (c) => c.route.objectKind },
  { name: 'rule', compare: (a, b) => a.route.ruleIndex - b.route.ruleIndex, describe: (c) => `rule ${c.route.ruleIndex}` },
  { name: 'match', compare: (a, b) => a.matchIndex - b.matchIndex, describe: (c) => `match ${c.matchIndex}` },
  { name: 'path', compare: (a, b) => compareText(a.path, b.path), describe: (c) => c.path },
  { name: 'listener', compare: (a, b) => compareText(a.listener, b.listener), describe: (c) => c.listener },
];

/** For `sort`: the candidate that wins comes first. */
export function comparePrecedence(a: Candidate, b: Candidate): number {
  for (const step of PRECEDENCE) {
    const order = step.compare(a, b);
    if (order !== 0) return order;
  }
  return 0;
}

/** The rule that puts `winner` before `loser`, or null when they are the same. */
export function decidingStep(winner: Candidate, loser: Candidate): PrecedenceStep | null {
  return PRECEDENCE.find((step) => step.compare(winner, loser) !== 0) ?? null;
}

/** `<namespace>/<name>`, which the API compares as one string. */
function objectName(candidate: Candidate): string {
  return `${candidate.route.namespace}/${candidate.route.name}`;
}

function countHeaders(candidate: Candidate): number {
  return candidate.headers === null ? 0 : candidate.headers.length;
}

function countQuery(candidate: Candidate): number {
  return candidate.query === null ? 0 : candidate.query.length;
}

/** By code unit: the same on every machine, unlike localeCompare. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
