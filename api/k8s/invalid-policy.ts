// What is left of an invalid policy that protects its targets: its targets, so that their requests are refused.
import { ownSchemas } from '#lib/json-schema.ts';
import { describeError, type FieldError } from './field-error.ts';
import type { KubernetesObject } from './object.ts';
import { policyKindOf } from './policies.ts';
import { protectsTargets } from './protection.ts';
import { PolicyTargetRef, PolicyTargetSelector } from './policy.ts';
import { Metadata } from './schema.ts';

/** The field of `spec` with the problem. No schema has it, so no author can write it. */
const PROBLEM = '~problem';

const ajv = ownSchemas({ useDefaults: true });

/** A policy without settings, with the targets that can be read; null for other kinds, and without a name. */
export function refusalOf(value: unknown, errors: readonly FieldError[]): KubernetesObject | null {
  const { apiVersion, kind, metadata, spec } = fieldsOf(value);
  const fields = fieldsOf(spec);
  if (typeof kind !== 'string' || !protectsTargets(kind, fields)) return null;
  if (policyKindOf(kind)?.apiVersion !== apiVersion || !ajv.validate(Metadata, metadata)) return null;
  const { targetRefs, targetSelectors } = fields;
  const targets = {
    targetRefs: listOf(targetRefs).filter((each) => ajv.validate(PolicyTargetRef, each)),
    targetSelectors: listOf(targetSelectors).filter((each) => ajv.validate(PolicyTargetSelector, each)),
  };
  const problem = errors.map(describeError).join('; ');
  const own = metadata as KubernetesObject['metadata'];
  return {
    apiVersion,
    kind,
    metadata: { namespace: 'default', ...own },
    spec: { ...targets, [PROBLEM]: problem },
  } as unknown as KubernetesObject;
}

/** Whether a policy, valid or not, keeps its targets while it cannot be applied. */
export function keepsTargets({ kind, spec }: { readonly kind: string; readonly spec: object }): boolean {
  return problemOf(spec) !== null || protectsTargets(kind, spec);
}

/** The problem of such a policy; null for any other. */
export function problemOf(spec: object): string | null {
  return PROBLEM in spec ? String(spec[PROBLEM]) : null;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (structuredClone(value) as Readonly<Record<string, unknown>>) : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
