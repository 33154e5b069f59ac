// Decodes and validates resources: the result is a resource of its type, or all errors with the paths of their fields. Unknown fields
// belong to a later release and are ignored (controller/push/adapt.ts handles the consequences).
//
// ajv validates, as it does for the objects of api/k8s: users get the same wording of errors.
import { Type } from '#lib/typebox.ts';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { compiledLater, ownSchemas } from '#lib/json-schema.ts';
import { err, ok, type Result } from '#lib/result.ts';
import * as ir from '../ir/ir.ts';
import type { FieldError } from '../k8s/field-error.ts';
import { POLICIES } from '../k8s/policies.ts';
import { describeSchemaError } from '../k8s/schema-error.ts';
import { settingsSchema } from '../policy/settings.ts';
import { MAX_ERRORS } from './limits.ts';
import type { ResourceMessage } from './messages.ts';

const ajv = ownSchemas({ allErrors: true, verbose: true });
const VALIDATORS: ReadonlyMap<string, () => ValidateFunction> = new Map(
  ir.RESOURCE_KINDS.map(({ kind, schema }) => [kind, compiledLater(ajv, () => tolerant(schema))]),
);
/** The settings of each policy kind, wrapped in an object so that the paths of errors start with their name. */
const SETTINGS: ReadonlyMap<string, () => ValidateFunction> = new Map(
  POLICIES.map(({ kind, settings }) => [kind, compiledLater(ajv, () => tolerant(Type.Object({ settings: settingsSchema(settings) })))]),
);
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Compiles the schemas now, where a resource of a new kind would otherwise hold up requests: that of a policy takes up to 0.3 s. */
export function prepareDecoding(): void {
  for (const compiled of [...VALIDATORS.values(), ...SETTINGS.values()]) compiled();
}

/** Whether this version of Weir knows the kind. */
export function isResourceKind(kind: string): kind is ir.ResourceKind {
  return VALIDATORS.has(kind);
}

/** Decodes the resource of a message, or returns its errors. Never throws. */
export function decode({ kind, key, body }: ResourceMessage): Result<ir.Resource, readonly FieldError[]> {
  const validate = VALIDATORS.get(kind)?.();
  if (validate === undefined) return fail('kind', 'is not a kind that this proxy knows');
  const parsed = parse(body);
  if (!parsed.ok) return fail('', parsed.error);
  if (!validate(parsed.value)) return err(describe(validate.errors ?? []));
  const resource = parsed.value as ir.Resource;
  if (resource.key !== key) return fail('key', 'is not the key that it was sent with');
  return resource.kind === 'Policy' ? checkSettings(resource) : ok(resource);
}

function checkSettings(policy: ir.Policy): Result<ir.Policy, readonly FieldError[]> {
  const validate = SETTINGS.get(policy.policyKind)?.();
  if (validate === undefined) return fail('policyKind', 'is not a policy that this proxy knows');
  return validate(policy) ? ok(policy) : err(describe(validate.errors ?? []));
}

function fail(field: string, reason: string): Result<never, readonly FieldError[]> {
  return err([{ field, reason }]);
}

/** `__proto__` is an ordinary field for JSON.parse, but code that copies fields may set a prototype with it. */
function parse(body: Buffer): Result<unknown> {
  if (body.includes('"__proto__"') && /"__proto__"\s*:/.test(body.toString())) return err('has a field __proto__');
  try {
    return ok(JSON.parse(utf8.decode(body)));
  } catch {
    return err('is not UTF-8 JSON');
  }
}

/** A copy of a schema that accepts unknown fields. */
function tolerant(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (name, value: unknown) => (name === 'additionalProperties' ? undefined : value)) as object;
}

function describe(errors: readonly ErrorObject[]): readonly FieldError[] {
  return withoutOtherBranches(errors).slice(0, MAX_ERRORS).map(describeError);
}

function describeError(error: ErrorObject): FieldError {
  const described = describeSchemaError(error);
  if (error.keyword !== 'anyOf') return described;
  const constants = (error.schema as readonly { readonly const?: unknown }[]).map((branch) => branch.const);
  const known = constants.filter((constant) => constant !== undefined);
  return { ...described, reason: known.length > 0 ? `must be one of ${known.join(', ')}` : 'has none of the forms that are allowed here' };
}

/**
 * For a value of a union (a filter, for example) ajv returns the errors of every branch. The constant of a value identifies the intended
 * branch, so only that branch's errors are useful; without such a constant the only error is that no branch fits.
 */
function withoutOtherBranches(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  let kept = errors;
  for (const union of errors.filter(({ keyword }) => keyword === 'anyOf')) {
    const branches = Map.groupBy(
      kept.filter((error) => isWithin(error, union)),
      (error) => branchOf(error, union),
    );
    const meant = [...branches.values()].filter((own) => !own.some((error) => isOfOtherBranch(error, union)));
    const best = meant.length === 1 ? (meant[0] ?? []) : [];
    kept = kept.filter((error) => (isWithin(error, union) ? best.includes(error) : error !== union || best.length === 0));
  }
  return kept;
}

function isWithin(error: ErrorObject, union: ErrorObject): boolean {
  return error.schemaPath.startsWith(`${union.schemaPath}/`) && error.instancePath.startsWith(union.instancePath);
}

function branchOf(error: ErrorObject, union: ErrorObject): string {
  return error.schemaPath.slice(union.schemaPath.length + 1).split('/', 1)[0] ?? '';
}

/** The value has another type, or the constant of another branch. */
function isOfOtherBranch(error: ErrorObject, union: ErrorObject): boolean {
  if (error.instancePath === union.instancePath) return error.keyword === 'type' || error.keyword === 'const';
  return error.keyword === 'const' && error.instancePath === `${union.instancePath}/type`;
}
