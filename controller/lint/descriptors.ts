// Descriptors of gRPC-JSON beside the policies and the routes that use them: services that they do not have, and paths that no route reaches.
// Descriptors with faults are those of statuses.
import type * as ir from '#api/ir/ir.ts';
import type { Binding } from '#api/grpc-json/binding.ts';
import { readDescriptors, type Descriptors } from '#api/grpc-json/descriptors.ts';
import { PolicyIndex, requestTargets } from '#api/policy/layers.ts';
import { mergePolicies } from '#api/policy/merge.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { didYouMean } from '#lib/nearest.ts';
import { reachesOperation } from './documents.ts';
import type { Unplaced } from './finding.ts';
import type { Subject } from './subject.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['grpcJson']>;

/** The descriptors of a policy with the rules that use them. */
interface Use {
  readonly policy: string;
  readonly settings: Settings;
  /** The entry, for messages. */
  readonly name: string;
  readonly descriptors: Descriptors;
  readonly rules: Set<ir.Route>;
}

/** Paths in findings about one policy. */
const MAX_PATHS = 16;

export function descriptorFindings({ resources }: Subject): readonly Unplaced[] {
  return usesOf(resources).flatMap((use) => [...missingServices(use), ...missingBindings(use), ...unreachedPaths(use)]);
}

function usesOf(resources: readonly ir.Resource[]): readonly Use[] {
  const policies = resources.filter((resource) => resource.kind === 'Policy');
  if (policies.length === 0) return [];
  const index = new PolicyIndex(policies);
  const uses = new Map<string, Use | null>();
  for (const route of resources.filter((resource) => resource.kind === 'Route')) {
    for (const { listener } of route.attachments) {
      const { settings, origins } = mergePolicies('HTTPPolicy', index.layers('HTTPPolicy', requestTargets(route, listener, null)));
      const policy = origins.find(({ field }) => field === 'grpcJson')?.policy ?? '';
      if (!uses.has(policy)) uses.set(policy, useOf(resources, policy, settings.grpcJson ?? {}));
      uses.get(policy)?.rules.add(route);
    }
  }
  return [...uses.values()].filter((use) => use !== null);
}

/** Null: the policy has no descriptors, or they have faults. */
function useOf(resources: readonly ir.Resource[], policy: string, settings: Settings): Use | null {
  const { data, key = '' } = settings.descriptors ?? {};
  const object = resources.find((resource) => resource.kind === 'ObjectData' && resource.key === data);
  const encoded = object?.kind === 'ObjectData' && settings.mode !== 'Disabled' ? object.data[key] : undefined;
  const read = encoded === undefined ? null : readDescriptors(Buffer.from(encoded, 'base64'));
  if (read?.ok !== true) return null;
  return { policy, settings, name: `entry ${key} of ${data ?? ''}`, descriptors: read.value, rules: new Set() };
}

function missingServices({ policy, settings, name, descriptors }: Use): readonly Unplaced[] {
  const known = [...descriptors.schema.services.keys()];
  return (settings.services ?? []).flatMap((service, i): readonly Unplaced[] => {
    if (known.includes(service)) return [];
    const reason = `${name} has no service ${service}${didYouMean(service, known)}`;
    return [{ severity: 'warning', object: policy, field: `spec.grpcJson.services[${i}]`, reason }];
  });
}

function missingBindings(use: Use): readonly Unplaced[] {
  if (use.settings.methodPaths === 'Enabled' || served(use).length > 0) return [];
  const reason = `no method in ${use.name} has google.api.http, so no request is a call: annotate methods, or set methodPaths`;
  return [{ severity: 'warning', object: use.policy, field: 'spec.grpcJson.descriptors', reason }];
}

function unreachedPaths(use: Use): readonly Unplaced[] {
  const matches = [...use.rules].flatMap((route) => route.matches);
  const unreached = served(use).filter((binding) => !matches.some((match) => reaches(match, binding)));
  return unreached.slice(0, MAX_PATHS).map(({ verb, template, method }): Unplaced => {
    const reason = `no route of the policy reaches ${verb} ${template} of ${method.service}.${method.name}, in ${use.name}`;
    return { severity: 'warning', object: use.policy, field: 'spec.grpcJson.descriptors', reason };
  });
}

function served({ settings: { services }, descriptors }: Use): readonly Binding[] {
  return descriptors.bindings.filter(({ method }) => services === undefined || services.includes(method.service));
}

/** Whether some request of a binding matches. Which paths end with anything is not known. */
function reaches(match: ir.Match, { verb, pattern }: Binding): boolean {
  if (pattern.parts.includes('**')) return true;
  const segments = pattern.parts.map((part) => (typeof part === 'string' ? '{}' : part.literal));
  const path = `/${segments.join('/')}${pattern.verb === '' ? '' : `:${pattern.verb}`}`;
  return reachesOperation(match, { method: verb === '*' ? (match.method ?? '') : verb, paths: [path] });
}
