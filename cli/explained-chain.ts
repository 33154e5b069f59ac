// The chain of filters of a rule, as a proxy composes it: the filters in the order of requests, and where each comes from.
import type * as ir from '#api/ir/ir.ts';
import type { PolicyIndex } from '#api/policy/layers.ts';
import type { FilterKind } from '../proxy/filter/filter.ts';
import { FILTERS } from '../proxy/filter/index.ts';
import { placed } from '../proxy/filter/placing.ts';
import { RulePolicies } from '../proxy/filter/rule-policies.ts';

/** A part of a chain. */
export interface ChainPart {
  /** The name of its position. */
  readonly name: string;
  /** `rule`: a filter of the rule itself; `backend`: of one of its backends; `policy`: settings of policies. */
  readonly from: 'rule' | 'backend' | 'policy';
  /** The keys of the policies, or of the route or the cluster. */
  readonly sources: readonly string[];
  /** The setting that has moved it from its default position; absent: none. */
  readonly movedBy?: string;
}

/** The chain of requests that arrive at a listener (key) and match the rule; that of a request with several backends has the filters of one. */
export function explainChain(policies: PolicyIndex, route: ir.Route, listener: string): readonly ChainPart[] {
  const ofRule = new RulePolicies(policies, route, listener);
  const origin = ofRule.settings('ExtensionPolicy').origins.find(({ field }) => field === 'position');
  const shared = placed(FILTERS, ofRule).flatMap((kind) => partsOf(kind, route, ofRule, origin?.policy));
  const isLast = ({ name }: ChainPart): boolean => LAST.has(name);
  return [...shared.filter((part) => !isLast(part)), ...backendParts(route), ...shared.filter(isLast)];
}

/** Those that run after the filters of the chosen backend. */
const LAST: ReadonlySet<string> = new Set(FILTERS.filter(({ isLast }) => isLast === true).map(({ name }) => name));

function partsOf(kind: FilterKind, { filters, key }: ir.Route, policies: RulePolicies, mover: string | undefined): readonly ChainPart[] {
  const { name } = kind;
  const own = filters.filter(({ type }) => type === name).map((): ChainPart => ({ name, from: 'rule', sources: [key] }));
  const draft = kind.ofPolicies?.(policies) ?? null;
  if (draft === null) return own;
  const sources = [...new Set(draft.origins.map(({ policy }) => policy))];
  const moved = kind.isExtension === true && mover !== undefined ? { movedBy: mover } : {};
  return [...own, { name, from: 'policy', sources, ...moved }];
}

function backendParts({ backends }: ir.Route): readonly ChainPart[] {
  return backends.flatMap(({ filters, cluster }) =>
    FILTERS.flatMap(({ name }) =>
      filters.filter(({ type }) => type === name).map((): ChainPart => ({ name, from: 'backend', sources: [cluster ?? 'no backend'] })),
    ),
  );
}

/** For a terminal. */
export function printChain(parts: readonly ChainPart[]): string {
  if (parts.length === 0) return '';
  return ['chain of filters, in the order of requests', ...parts.map((part) => `  ${part.name}: ${sourceOf(part)}`)].join('\n');
}

function sourceOf({ from, sources, movedBy }: ChainPart): string {
  const place = movedBy === undefined ? '' : `, placed by ${movedBy}`;
  if (from === 'rule') return 'the rule itself';
  return from === 'backend' ? `the rule, for ${sources.join(', ')}` : `${sources.join(', ')}${place}`;
}
