// Rules of policies that a schema cannot express (CEL in the CRDs): the kinds of targets, and valid sizes, ranges and header names.
import { compileExpression, type ExpressionTerms } from '../expression/expression.ts';
import { parseAddressRange } from '#lib/address-range.ts';
import { parsePointer } from '#lib/json-pointer.ts';
import { parseSize } from '#lib/size.ts';
import type { TSchema } from '#lib/typebox.ts';
import { repeated } from './duplicates.ts';
import { fieldOf, type FieldError } from './field-error.ts';
import { originPortObstacle } from './filter-rules.ts';
import { editObstacle } from './header-rules.ts';
import { checkExtensions } from './extension/extension-rules.ts';
import { problemOf } from './invalid-policy.ts';
import { checkHttpPolicy } from './http/http-policy-rules.ts';
import { checkPathValue } from './path-rules.ts';
import { checkRegex } from './match-rules.ts';
import { policyKindOf, type Policy } from './policies.ts';
import { ONE_OBJECT, type DataObjectReference } from './policy-reference.ts';
import { checkLimits } from './rate-limit/limit-rules.ts';
import { checkAccessLog } from './telemetry/access-log.ts';
import { checkTracing } from './telemetry/tracing.ts';
import { checkMetrics } from './telemetry/metrics.ts';
import { checkAuthorization } from './security/authorization-rules.ts';
import { checkAuthentication } from './security/authentication-rules.ts';
import { describeTargets, NO_TARGET, type PolicyTargetRef, type PolicyTargetSelector, type TargetKind } from './policy.ts';

/** The rules that a policy violates. */
export function checkPolicy(policy: Policy): FieldError[] {
  const { kind, spec } = policy;
  const definition = policyKindOf(kind);
  if (definition === undefined) return [];
  const problem = problemOf(spec);
  if (problem !== null) return [{ field: '', reason: problem }];
  const { targetRefs, targetSelectors } = spec;
  return [
    ...(targetRefs.length + targetSelectors.length === 0 ? [{ field: 'spec', reason: NO_TARGET }] : []),
    ...targetRefs.flatMap((ref, i) => checkTarget(ref, definition.targets, `spec.targetRefs[${i}]`)),
    ...targetSelectors.flatMap((selector, i) => checkTarget(selector, definition.targets, `spec.targetSelectors[${i}]`)),
    ...repeated(targetRefs.map(({ group, kind, name, sectionName = '' }) => `${group}|${kind}|${name}|${sectionName}`)).map((i) => ({
      field: `spec.targetRefs[${i}]`,
      reason: 'is listed twice',
    })),
    ...checkSettings(definition.settings, spec, 'spec'),
    ...checkOwn(policy),
  ];
}

/** The rules of one kind. */
function checkOwn(policy: Policy): FieldError[] {
  switch (policy.kind) {
    case 'RateLimitPolicy':
      return checkLimits(policy.spec.limits);
    case 'HTTPPolicy':
      return checkHttpPolicy(policy.spec);
    case 'TelemetryPolicy':
      return [...checkAccessLog(policy.spec.accessLog), ...checkMetrics(policy.spec.metrics), ...checkTracing(policy.spec.tracing)];
    case 'ExtensionPolicy':
      return checkExtensions(policy.spec);
    case 'SecurityPolicy':
      return [
        ...checkAuthorization(policy.spec.authorization ?? {}, 'spec.authorization'),
        ...checkAuthentication(policy.spec.authentication, 'spec.authentication'),
      ];
    default:
      return [];
  }
}

function checkTarget(target: PolicyTargetRef | PolicyTargetSelector, allowed: readonly TargetKind[], field: string): FieldError[] {
  const known = allowed.find(({ group, kind }) => group === target.group && kind === target.kind);
  if (known === undefined) return [{ field: `${field}.kind`, reason: `must be ${describeTargets(allowed)}` }];
  const strays = known.section === null && 'sectionName' in target && target.sectionName !== undefined;
  return strays ? [{ field: `${field}.sectionName`, reason: `is not for a ${known.kind}` }] : [];
}

interface SettingSchema {
  readonly '~unit'?: string;
  readonly '~form'?: string;
  readonly '~reference'?: string;
  readonly items?: TSchema;
  readonly '~minimum'?: number;
  readonly '~maximum'?: number;
  readonly properties?: Readonly<Record<string, TSchema>>;
}

function checkSettings(schema: TSchema, value: unknown, field: string): FieldError[] {
  const { properties, items, ...rules } = schema as SettingSchema;
  if (value === undefined) return [];
  const check = FORMS.get(rules['~form'] ?? '');
  if (check !== undefined) return check(String(value), field);
  if (rules['~reference'] !== undefined) return checkReference(value as Partial<DataObjectReference>, field, properties ?? {});
  if (items !== undefined) return (value as readonly unknown[]).flatMap((item, i) => checkSettings(items, item, `${field}[${i}]`));
  if (rules['~unit'] === 'bytes') return checkSize(rules, value as string | number, field);
  return Object.entries(properties ?? {}).flatMap(([name, inner]) =>
    checkSettings(inner, (value as Readonly<Record<string, unknown>>)[name], fieldOf(field, name)),
  );
}

/** A reference whose schema has both kinds of objects names one of them. */
function checkReference(
  { secretRef, configMapRef }: Partial<DataObjectReference>,
  field: string,
  allowed: Readonly<Record<string, TSchema>>,
): FieldError[] {
  if (!('secretRef' in allowed && 'configMapRef' in allowed)) return [];
  return (secretRef === undefined) === (configMapRef === undefined) ? [{ field, reason: ONE_OBJECT }] : [];
}

/** By the word of `~form`. */
const FORMS: ReadonlyMap<string, (value: string, field: string) => FieldError[]> = new Map([
  ['range', checkRange],
  ['origin', checkOrigin],
  ['field', checkFieldName],
  ['path', checkPathValue],
  ['regex', checkRegex],
  ['status', checkStatuses],
  ['condition', (value, field) => checkExpression(value, field, { result: 'bool' })],
  ['outcome condition', (value, field) => checkExpression(value, field, { result: 'bool', moment: 'outcome' })],
  ['outcome text', (value, field) => checkExpression(value, field, { result: 'string', moment: 'outcome' })],
  ['outcome number', (value, field) => checkExpression(value, field, { result: 'number', moment: 'outcome' })],
  ['topic condition', (value, field) => checkExpression(value, field, { result: 'bool', moment: 'topic' })],
  ['text expression', (value, field) => checkExpression(value, field, { result: 'string' })],
  ['request condition', (value, field) => checkExpression(value, field, { result: 'bool', path: true })],
  ['request text', (value, field) => checkExpression(value, field, { result: 'string', path: true })],
  ['response condition', (value, field) => checkExpression(value, field, { result: 'bool', path: true, moment: 'response' })],
  ['request body condition', (value, field) => checkExpression(value, field, { result: 'bool', path: true, body: true })],
  ['request body value', (value, field) => checkExpression(value, field, { result: 'json', path: true, body: true })],
  [
    'response body condition',
    (value, field) => checkExpression(value, field, { result: 'bool', path: true, body: true, moment: 'response' }),
  ],
  ['response body value', (value, field) => checkExpression(value, field, { result: 'json', path: true, body: true, moment: 'response' })],
  ['pointer', checkPointer],
  ['response text', (value, field) => checkExpression(value, field, { result: 'string', path: true, moment: 'response' })],
]);

function checkPointer(value: string, field: string): FieldError[] {
  const pointer = parsePointer(value);
  return pointer.ok ? [] : [{ field, reason: pointer.error }];
}

/** A single status is a range of one. */
function checkStatuses(value: string, field: string): FieldError[] {
  const [first = '', last = first] = value.split('-');
  return Number(first) <= Number(last) ? [] : [{ field, reason: 'must begin with the lower status' }];
}

function checkOrigin(value: string, field: string): FieldError[] {
  const port = originPortObstacle(value);
  return port === null ? [] : [{ field, reason: port }];
}

function checkRange(value: string, field: string): FieldError[] {
  const range = parseAddressRange(value);
  return range.ok ? [] : [{ field, reason: range.error }];
}

function checkExpression(value: string, field: string, terms: ExpressionTerms): FieldError[] {
  const expression = compileExpression(value, terms);
  return expression.ok ? [] : [{ field, reason: expression.error }];
}

/** The codec keeps these headers out of the list, so they would never be found. */
function checkFieldName(value: string, field: string): FieldError[] {
  const isKept = editObstacle('request', 'add', value.toLowerCase()) !== null;
  return isKept ? [{ field, reason: 'must be a header that reaches backends as it came' }] : [];
}

function checkSize(
  { '~minimum': minimum = 0, '~maximum': maximum = Infinity }: SettingSchema,
  value: string | number,
  field: string,
): FieldError[] {
  const size = parseSize(value);
  if (!size.ok) return [{ field, reason: size.error }];
  if (size.value < minimum) return [{ field, reason: `must be at least ${minimum} bytes` }];
  return size.value > maximum ? [{ field, reason: `must be at most ${maximum} bytes` }] : [];
}
