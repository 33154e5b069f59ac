// The order of two rules for the same requests, if only their objects differ.
import { compareText } from '#lib/compare-text.ts';
import type { Route, StreamRoute } from '../ir/ir.ts';

type Rule = Pick<Route | StreamRoute, 'createdAt' | 'namespace' | 'name' | 'objectKind' | 'ruleIndex'>;

/** For `sort`: the older object, then by `namespace/name`, kind and order of rules (HTTPRouteRule.matches). */
export function compareRules(a: Rule, b: Rule): number {
  return (
    a.createdAt - b.createdAt ||
    compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`) ||
    compareText(a.objectKind, b.objectKind) ||
    a.ruleIndex - b.ruleIndex
  );
}
