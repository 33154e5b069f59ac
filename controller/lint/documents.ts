// OpenAPI documents beside the routes that are held to them: paths that no route reaches, and rules that no path covers.
import type * as ir from '#api/ir/ir.ts';
import { compileRegex, regexMatches } from '#api/match/regex.ts';
import { readDocument, type ApiDocument, type Operation } from '#api/openapi/document.ts';
import { lineOf } from '#api/openapi/reading.ts';
import { PolicyIndex, requestTargets } from '#api/policy/layers.ts';
import { mergePolicies } from '#api/policy/merge.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { pathExpression } from '#lib/path-template.ts';
import type { Unplaced } from './finding.ts';
import type { Subject } from './subject.ts';

/** A document with the rules that are held to it. */
interface Use {
  readonly text: string;
  readonly document: ApiDocument;
  /** The entry, for messages. */
  readonly name: string;
  /** The ids of the policies. */
  readonly policies: Set<string>;
  readonly rules: Map<ir.Route, { readonly policy: string; readonly passesUnknown: boolean }>;
}

/** Paths in findings about one document. */
const MAX_PATHS = 16;

/** Findings about documents that do not fit the routes. Documents with faults are those of statuses. */
export function documentFindings({ resources }: Subject): readonly Unplaced[] {
  return usesOf(resources).flatMap((use) => [...unreachedPaths(use), ...uncoveredRules(use)]);
}

function usesOf(resources: readonly ir.Resource[]): readonly Use[] {
  const policies = resources.filter((resource) => resource.kind === 'Policy');
  if (policies.length === 0) return [];
  const index = new PolicyIndex(policies);
  const uses = new Map<string, Use | null>();
  for (const route of resources.filter((resource) => resource.kind === 'Route')) {
    for (const { listener } of route.attachments) {
      const { settings, policy } = settingsOf(index, route, listener);
      const { documentRef, basePath = null } = settings;
      if (documentRef === undefined) continue;
      const id = JSON.stringify([documentRef, basePath]);
      if (!uses.has(id)) uses.set(id, useOf(resources, documentRef, basePath));
      const use = uses.get(id);
      use?.policies.add(policy);
      use?.rules.set(route, { policy, passesUnknown: passesUnknown(settings) });
    }
  }
  return [...uses.values()].filter((use) => use !== null);
}

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['openapi']>;

/** The settings for the requests of a rule at a listener, and the policy that they come from. */
function settingsOf(index: PolicyIndex, route: ir.Route, listener: string): { readonly settings: Settings; readonly policy: string } {
  const { settings, origins } = mergePolicies('HTTPPolicy', index.layers('HTTPPolicy', requestTargets(route, listener, null)));
  return { settings: settings.openapi ?? {}, policy: origins.find(({ field }) => field === 'openapi')?.policy ?? '' };
}

/** Whether requests that the document does not have reach a backend. */
function passesUnknown({ request, unknownPaths }: Settings): boolean {
  return unknownPaths === 'Pass' || request === 'Off' || request === 'Report';
}

/** Null: there is no such document, or it has faults. */
function useOf(resources: readonly ir.Resource[], { data, key }: { data?: string; key?: string }, basePath: string | null): Use | null {
  const object = resources.find((resource) => resource.kind === 'ObjectData' && resource.key === data);
  const encoded = object?.kind === 'ObjectData' ? object.data[key ?? ''] : undefined;
  if (encoded === undefined) return null;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const read = readDocument(text, basePath);
  return read.ok
    ? { text, document: read.value, name: `entry ${key ?? ''} of ${data ?? ''}`, policies: new Set(), rules: new Map() }
    : null;
}

function unreachedPaths({ text, document, name, policies, rules }: Use): readonly Unplaced[] {
  const matches = [...rules.keys()].flatMap((route) => route.matches);
  const unreached = document.operations.filter((operation) => !matches.some((match) => reachesOperation(match, operation)));
  const [object = ''] = [...policies];
  return unreached.slice(0, MAX_PATHS).map((operation): Unplaced => {
    const reason = `no route of the policy reaches ${operation.name}, line ${lineOf(text, operation.path)} of ${name}`;
    return { severity: 'warning', object, field: 'spec.openapi.documentRef', reason };
  });
}

function uncoveredRules({ document, name, rules }: Use): readonly Unplaced[] {
  return [...rules].flatMap(([route, { policy, passesUnknown }]): readonly Unplaced[] => {
    if (passesUnknown || document.operations.some((operation) => route.matches.some((match) => reachesOperation(match, operation))))
      return [];
    const reason = `${name} has no path for the rule, so ${policy} refuses all its requests`;
    const object = `${route.objectKind}/${route.namespace}/${route.name}`;
    return [{ severity: 'warning', object, field: `spec.rules[${route.ruleIndex}]`, reason }];
  });
}

/** Whether some request of an operation matches. Variables in its paths are in braces. */
export function reachesOperation({ path, method }: ir.Match, operation: Pick<Operation, 'method' | 'paths'>): boolean {
  if (method !== null && method !== operation.method && !(method === 'HEAD' && operation.method === 'GET')) return false;
  return operation.paths.some((template) => reachesPath(path, template));
}

function reachesPath({ type, value }: ir.PathMatch, template: string): boolean {
  if (type === 'Exact') return fit(value.split('/'), template.split('/'), true);
  if (type === 'PathPrefix') return fit(value.replace(/\/$/, '').split('/'), template.split('/'), false);
  // Which texts a variable has is not known.
  if (template.includes('{')) return true;
  const expression = pathExpression(value);
  const regex = compileRegex(expression.ok ? expression.value : value);
  return !regex.ok || regexMatches(regex.value, template);
}

/** Whether segments of a match and of a template can be those of one path. */
function fit(wanted: readonly string[], template: readonly string[], isWhole: boolean): boolean {
  if (isWhole ? wanted.length !== template.length : wanted.length > template.length) return false;
  return wanted.every((segment, i) => (template[i] as string).includes('{') || template[i] === segment);
}
