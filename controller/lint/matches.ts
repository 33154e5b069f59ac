// Matches that never win, cannot be compiled, or match no possible request.
import type * as ir from '#api/ir/ir.ts';
import { pathExpression } from '#lib/path-template.ts';
import { expressionDoubt } from '#api/match/path-expression.ts';
import { describeMatch } from '#api/match/print.ts';
import { buildTable } from '#api/match/table.ts';
import { findOverlaps } from '../compile/overlaps.ts';
import type { Unplaced } from './finding.ts';
import type { Subject } from './subject.ts';

/** Findings about the matches of all routes together. */
export function matchFindings({ resources }: Subject): readonly Unplaced[] {
  const routes = resources.filter((resource) => resource.kind === 'Route');
  const streams = resources.filter((resource) => resource.kind === 'StreamRoute');
  const listeners = resources.filter((resource) => resource.kind === 'Listener');
  const objects = new Map([...routes, ...streams].map((route) => [route.key, objectOf(route)]));
  const overlaps = findOverlaps([...routes, ...streams]).flatMap(({ listener, hostname, match, winner, losers }) =>
    losers.map((loser): Unplaced => {
      const subject = match === null ? 'every connection' : describeMatch(match);
      const reason = `${subject} on listener ${listener}${hostname === '' ? '' : ` for ${hostname}`} never matches: ${winner} wins`;
      return { severity: 'warning', object: objects.get(loser) ?? loser, field: ruleOf(loser), reason };
    }),
  );
  const problems = buildTable(listeners, routes).problems.map(({ routeKey, field, reason }): Unplaced => {
    return { severity: 'error', object: objects.get(routeKey) ?? routeKey, field: `${ruleOf(routeKey)}.${field}`, reason };
  });
  return [...overlaps, ...problems, ...routes.flatMap(expressionFindings)];
}

function objectOf({ objectKind, namespace, name }: ir.Route | ir.StreamRoute): string {
  return `${objectKind}/${namespace}/${name}`;
}

/** Expressions that no path can match. */
function expressionFindings(route: ir.Route): Unplaced[] {
  return route.matches.flatMap(({ path }, index): Unplaced[] => {
    const reason = path.type === 'RegularExpression' ? doubtOf(path.value) : null;
    const field = `${ruleOf(route.key)}.matches[${index}].path.value`;
    return reason === null ? [] : [{ severity: 'warning', object: objectOf(route), field, reason }];
  });
}

function doubtOf(value: string): string | null {
  const expression = pathExpression(value);
  return expression.ok ? expressionDoubt(expression.value) : null;
}

/** `spec.rules[2]` of a route key, which ends with the index of the rule. */
function ruleOf(routeKey: string): string {
  return `spec.rules[${routeKey.slice(routeKey.lastIndexOf('/') + 1)}]`;
}
