// Which of two rules that want the same goes first, where nothing but their objects tells them apart.
import { compareText } from '#lib/compare-text.ts';
import type { Route, StreamRoute } from '../ir/ir.ts';

type Rule = Pick<Route | StreamRoute, 'createdAt' | 'namespace' | 'name' | 'objectKind' | 'ruleIndex'>;

/** For `sort`: the older object, then the first by `namespace/name`, by kind, by the order of rules (HTTPRouteRule.matches). */
export function compareRules(a: Rule, b: Rule): number {
  return (
    a.createdAt - b.createdAt ||
    compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`) ||
    compareText(a.objectKind, b.objectKind) ||
    a.ruleIndex - b.ruleIndex
  );
}
