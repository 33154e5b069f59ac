// One rule of an HTTPRoute: its matches, filters, backends, timeouts and retries.
import { parseDuration } from '#lib/duration.ts';
import { checkHttpRouteRule } from '#api/k8s/http-route-rules.ts';
import { checkMatch } from '#api/k8s/match-rules.ts';
import type { HttpRouteRule } from '#api/k8s/k8s.ts';
import type * as ir from '#api/ir/ir.ts';
import type { RouteReferrer } from './backend-refs.ts';
import { compileFilters } from './filters.ts';
import { compileMatch } from './matches.ts';
import { compileBackend, obstaclesOf, problemOf, unservable, type CompiledRule, type RuleContent } from './rule.ts';
import { compileSessions } from './session-persistence.ts';
import type { View } from './view.ts';

/** Defaults for fields missing in `retry`; the Gateway API leaves them to the implementation. */
const DEFAULT_ATTEMPTS = 1;
const DEFAULT_BACKOFF_MS = 25;

/** Compiles a rule; `field` is its path in the object. */
export function compileRule(view: View, from: RouteReferrer, rule: HttpRouteRule, field: string): CompiledRule {
  const problem = problemOf(checkHttpRouteRule(rule, field), rule, field);
  if (problem !== null) {
    const content = unservable(goodMatches(rule), problem);
    return { content, problem, obstacles: obstaclesOf(view, from, rule.backendRefs, `${field}.backendRefs`) };
  }
  const filters = compileFilters(view, from, rule.filters, `${field}.filters`);
  const backends = rule.backendRefs.map((ref, i) => compileBackend(view, from, ref, `${field}.backendRefs[${i}]`));
  const content: RuleContent = {
    matches: rule.matches.map(compileMatch),
    filters: [...filters.filters],
    backends: backends.map(({ backend }) => backend),
    timeouts: compileTimeouts(rule),
    retry: compileRetry(rule),
    ...compileSessions(rule.sessionPersistence),
  };
  return { content, problem, obstacles: [...filters.obstacles, ...backends.flatMap(({ obstacles }) => obstacles)] };
}

/** An invalid match matches no request. */
function goodMatches(rule: HttpRouteRule): ir.Match[] {
  return rule.matches.filter((match) => checkMatch(match, '').length === 0).map(compileMatch);
}

function compileTimeouts({ timeouts }: HttpRouteRule): ir.RouteTimeouts {
  return { request: milliseconds(timeouts?.request), backendRequest: milliseconds(timeouts?.backendRequest) };
}

function compileRetry({ retry }: HttpRouteRule): ir.Retry | null {
  if (retry === undefined) return null;
  return {
    codes: [...new Set(retry.codes)].sort((a, b) => a - b),
    attempts: retry.attempts ?? DEFAULT_ATTEMPTS,
    backoff: milliseconds(retry.backoff) ?? DEFAULT_BACKOFF_MS,
  };
}

/** Null without a duration; the schema has rejected invalid ones. */
function milliseconds(duration: string | undefined): number | null {
  const parsed = duration === undefined ? null : parseDuration(duration);
  return parsed?.ok === true ? parsed.value : null;
}
