// Validates objects against their kinds and applies the defaults of an API server. Every object passes through here.
import { ownSchemas } from '#lib/json-schema.ts';
import { didYouMean } from '#lib/nearest.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { describeSchemaError } from './schema-error.ts';
import { checkAlertRule } from './alert-rule-rules.ts';
import { checkBackend } from './backend-rules.ts';
import { checkBackendTlsPolicy } from './backend-tls-policy-rules.ts';
import { checkConsumer } from './consumer-rules.ts';
import { checkGatewayParameters } from './gateway-parameters-rules.ts';
import { checkGateway } from './gateway-rules.ts';
import { checkGrpcRoute } from './grpc-route-rules.ts';
import { checkHttpRoute } from './http-route-rules.ts';
import { checkListenerSet } from './listener-rules.ts';
import { checkNotificationChannel } from './notification-channel-rules.ts';
import { checkPolicy } from './policy-rules.ts';
import { policyKindOf } from './policies.ts';
import { checkSecret } from './secret-rules.ts';
import { checkStreamRoute } from './stream-route-rules.ts';
import { groupOf, kindOf, KINDS, type KindInfo, type KindName, type ObjectsByKind } from './kinds.ts';
import type { FieldError } from './field-error.ts';
import { otherGateway } from './other-gateways.ts';
import type { KubernetesObject } from './object.ts';
import type { ValidateFunction } from 'ajv';

/**
 * `strict` is for objects from files. It also reports what an API server would refuse: unknown fields, and violations of the rules in the
 * CRDs of the Gateway API. Otherwise only the structure is checked, and the compiler turns violations into conditions.
 */
export interface ValidateOptions {
  readonly strict: boolean;
}

/** A copy of the object with defaults, without nulls and with the main apiVersion of its kind, or all errors. Never throws. */
export function validateObject(value: unknown, options: ValidateOptions): Result<KubernetesObject, readonly FieldError[]> {
  const copied = copy(value);
  if (!copied.ok) return copied;
  const object = copied.value;
  const info = kindOf(String(object['apiVersion']), String(object['kind']));
  if (info === undefined) return err(unknownKind(object));
  object['apiVersion'] = info.apiVersion;
  const errors = schemaErrors(info, object, options);
  if (errors.length > 0) return err(errors);
  const valid = object as unknown as KubernetesObject;
  const broken = options.strict ? brokenRules(valid) : [];
  return broken.length > 0 ? err(broken) : ok(inNamespace(valid, info));
}

function unknownKind({ apiVersion, kind }: Record<string, unknown>): FieldError[] {
  if (typeof apiVersion === 'string' && typeof kind === 'string') return [refusedKind(apiVersion, kind)];
  return Object.entries({ apiVersion, kind }).flatMap(([field, value]) =>
    typeof value === 'string' ? [] : [{ field, reason: 'is required' }],
  );
}

/** The reason for an unknown kind or version, with the nearest known one. */
function refusedKind(apiVersion: string, kind: string): FieldError {
  const other = otherGateway(apiVersion, kind);
  if (other !== null) return { field: 'kind', reason: other };
  if (!Object.hasOwn(KINDS, kind)) {
    const reason = `${apiVersion} ${kind} is not a kind that Weir reads${didYouMean(kind, Object.keys(KINDS))}`;
    return { field: 'kind', reason };
  }
  const { apiVersion: main, alsoVersions } = KINDS[kind as KindName];
  const supported = [main, ...alsoVersions];
  if (groupOf(apiVersion) !== groupOf(main)) {
    return { field: 'apiVersion', reason: `${apiVersion} ${kind} is not a kind that Weir reads; ${kind} is a kind of ${main}` };
  }
  const verb = supported.length === 1 ? 'is' : 'are';
  return {
    field: 'apiVersion',
    reason: `${apiVersion} is not a version of ${kind} that Weir reads; supported ${verb} ${supported.join(', ')}`,
  };
}

// ajv writes the defaults into the object, as an API server does on admission.
const ajv = ownSchemas({ allErrors: true, useDefaults: true, verbose: true });
const validators = new Map<KindName, ValidateFunction>();

/** Compiled at first use: a CLI that reads two kinds compiles two schemas. */
function validatorOf(info: KindInfo): ValidateFunction {
  const name = info.kind as KindName;
  const known = validators.get(name);
  if (known !== undefined) return known;
  const made = ajv.compile(info.schema);
  validators.set(name, made);
  return made;
}

/**
 * Prepares the checks of all kinds, so that the first object of a kind does not wait for them: the check of an HTTPRoute takes a tenth of a
 * second to compile, and another 14 ms in its first run.
 */
export function prepareValidation(kind: KindName): void {
  validatorOf(KINDS[kind])({});
}

function schemaErrors(info: KindInfo, object: object, options: ValidateOptions): FieldError[] {
  const validate = validatorOf(info);
  if (validate(object)) return [];
  const errors = validate.errors ?? [];
  const serious = options.strict ? errors : errors.filter((error) => error.keyword !== 'additionalProperties');
  return serious.map(describeSchemaError);
}

/** Rules beyond the schema; the CRDs have them in CEL. */
const RULES: { readonly [K in KindName]?: (object: ObjectsByKind[K]) => readonly FieldError[] } = {
  AlertRule: checkAlertRule,
  Backend: checkBackend,
  BackendTLSPolicy: checkBackendTlsPolicy,
  Consumer: checkConsumer,
  Gateway: checkGateway,
  GatewayParameters: checkGatewayParameters,
  ListenerSet: checkListenerSet,
  NotificationChannel: checkNotificationChannel,
  Secret: checkSecret,
  HTTPRoute: checkHttpRoute,
  GRPCRoute: checkGrpcRoute,
  TCPRoute: checkStreamRoute,
  TLSRoute: checkStreamRoute,
  UDPRoute: checkStreamRoute,
};

function brokenRules(object: KubernetesObject): readonly FieldError[] {
  const own = policyKindOf(object.kind) === undefined ? RULES[object.kind as KindName] : checkPolicy;
  const check = own as ((object: KubernetesObject) => readonly FieldError[]) | undefined;
  return check === undefined ? [] : check(object);
}

/** Same as kubectl: a namespaced object without a namespace gets `default`, a cluster-scoped object gets none. */
function inNamespace(object: KubernetesObject, info: KindInfo): KubernetesObject {
  const { namespace, ...metadata } = object.metadata;
  return { ...object, metadata: info.namespaced ? { ...metadata, namespace: namespace ?? 'default' } : metadata };
}

/** YAML allows an object to contain itself, and objects that are nested deeper than the stack allows. */
function copy(value: unknown): Result<Record<string, unknown>, FieldError[]> {
  try {
    const object = withoutNulls(value);
    return isRecord(object) ? ok(object) : err([{ field: '', reason: 'must be an object' }]);
  } catch {
    return err([{ field: '', reason: 'is nested too deeply' }]);
  }
}

/** A deep copy without null fields, which mean the same as absent fields to an API server. Makes names like `__proto__` harmless. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [name, withoutNulls(field)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
