// Validates objects against their kinds and applies the defaults of an API server. Every object passes through here.
import { didYouMean } from '#lib/nearest.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { describeSchemaError } from './schema-error.ts';
import { checkBackend } from './backend-rules.ts';
import { checkBackendTlsPolicy } from './backend-tls-policy-rules.ts';
import { checkGatewayParameters } from './gateway-parameters-rules.ts';
import { checkGateway } from './gateway-rules.ts';
import { checkGrpcRoute } from './grpc-route-rules.ts';
import { checkHttpRoute } from './http-route-rules.ts';
import { checkListenerSet } from './listener-rules.ts';
import { checkPolicy } from './policy-rules.ts';
import { policyKindOf } from './policies.ts';
import { checkStreamRoute } from './stream-route-rules.ts';
import { groupOf, kindOf, KINDS, type KindInfo, type KindName, type ObjectsByKind } from './kinds.ts';
import type { FieldError } from './field-error.ts';
import { otherGateway } from './other-gateways.ts';
import type { KubernetesObject } from './object.ts';
import { Ajv, type ValidateFunction } from 'ajv';

/**
 * `strict` for objects that no API server has seen (files): also refuses what the server would refuse,
 * namely unknown fields and violations of the rules the Gateway API's CRDs carry. Without it only the structure
 * is checked, and compile turns broken rules into conditions.
 */
export interface ValidateOptions {
  readonly strict: boolean;
}

/**
 * A copy of the object with defaults filled in, nulls left out and the kind's main apiVersion, or every error found.
 * Never throws, whatever the value is.
 */
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

/** A kind that is not known, or not in that version: with what was probably meant. */
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

// A default that ajv writes into the object is what an API server would have written on admission.
const ajv = new Ajv({ allErrors: true, useDefaults: true, verbose: true, strict: false });
const validators = new Map<KindName, ValidateFunction>();

/** Compiled when first needed: a CLI that reads two kinds pays for two. */
function validatorOf(info: KindInfo): ValidateFunction {
  const name = info.kind as KindName;
  const known = validators.get(name);
  if (known !== undefined) return known;
  const made = ajv.compile(info.schema);
  validators.set(name, made);
  return made;
}

/**
 * Does now what the first object of the kind would otherwise have to wait for: the check of an HTTPRoute takes a tenth of a second to
 * compile, and another 14 ms when it first runs.
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

/** The rules beyond the schema, which the CRDs state in CEL. */
const RULES: { readonly [K in KindName]?: (object: ObjectsByKind[K]) => readonly FieldError[] } = {
  Backend: checkBackend,
  BackendTLSPolicy: checkBackendTlsPolicy,
  Gateway: checkGateway,
  GatewayParameters: checkGatewayParameters,
  ListenerSet: checkListenerSet,
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

/** As kubectl does: a namespaced object without a namespace goes to `default`, a cluster-scoped one has none. */
function inNamespace(object: KubernetesObject, info: KindInfo): KubernetesObject {
  const { namespace, ...metadata } = object.metadata;
  return { ...object, metadata: info.namespaced ? { ...metadata, namespace: namespace ?? 'default' } : metadata };
}

/** YAML can make an object contain itself, and anybody can nest one deeper than a stack is high. */
function copy(value: unknown): Result<Record<string, unknown>, FieldError[]> {
  try {
    const object = withoutNulls(value);
    return isRecord(object) ? ok(object) : err([{ field: '', reason: 'must be an object' }]);
  } catch {
    return err([{ field: '', reason: 'is nested too deeply' }]);
  }
}

/** A deep copy in which null fields are absent: to an API server both mean the same. Keeps names like `__proto__` harmless. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [name, withoutNulls(field)]));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
