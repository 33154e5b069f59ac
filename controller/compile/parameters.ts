// The GatewayParameters of a Gateway: resolves the references of its class and its own, checks them, and merges them.
import { describeError } from '#api/k8s/field-error.ts';
import { brokenParameters, brokenTogether } from '#api/k8s/gateway-parameters-rules.ts';
import type { FleetMode, Gateway, GatewayClass, GatewayParametersSpec } from '#api/k8s/k8s.ts';
import { objectId } from '#api/k8s/object.ts';
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { View } from './view.ts';

interface ParametersRef {
  readonly group: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** The outcome for a Gateway. */
export interface ResolvedParameters {
  readonly mode: FleetMode;
  readonly spec: GatewayParametersSpec;
}

/** The parameters of a class, empty without a reference; an error if they are not usable. */
export function classParameters(view: View, gatewayClass: GatewayClass | undefined): Result<GatewayParametersSpec> {
  const ref = gatewayClass?.spec.parametersRef;
  return ref === undefined ? ok({}) : find(view, ref, 'spec.parametersRef');
}

/** The parameters of a Gateway, which override those of its class; an error if either is not usable. */
export function gatewayParameters(view: View, gateway: Gateway): Result<ResolvedParameters> {
  const { gatewayClassName, infrastructure } = gateway.spec;
  const ofClass = classParameters(view, view.object('GatewayClass', '', gatewayClassName));
  if (!ofClass.ok) return err(`GatewayClass/${gatewayClassName} is not accepted: ${ofClass.error}`);
  const ref = infrastructure?.parametersRef;
  const own =
    ref === undefined ? ok({}) : find(view, { ...ref, namespace: gateway.metadata.namespace }, 'spec.infrastructure.parametersRef');
  return own.ok ? resolve(view, mergeParameters(own.value, ofClass.value)) : own;
}

function resolve(view: View, spec: GatewayParametersSpec): Result<ResolvedParameters> {
  const broken = brokenTogether(spec)[0];
  // Each object may be valid alone, but not both together: a type of Service here, a load balancer class there.
  if (broken !== undefined) return err(`the parameters of the Gateway and of its class are not valid together: ${describeError(broken)}`);
  const { byDefault, lacks } = view.options.fleets;
  const mode = spec.fleet ?? byDefault;
  if (mode === 'PerGateway' && lacks !== '') return err(`spec.fleet: PerGateway is not possible, ${lacks}`);
  return ok({ mode, spec });
}

function find(view: View, { group, kind, namespace, name }: ParametersRef, field: string): Result<GatewayParametersSpec> {
  if (group !== WEIR_GROUP || kind !== 'GatewayParameters') {
    return err(`${field}: ${kind}/${name} of group "${group}" is not supported, only GatewayParameters of group "${WEIR_GROUP}"`);
  }
  if (namespace === undefined) return err(`${field}.namespace: is required`);
  const object = view.object('GatewayParameters', namespace, name);
  const id = objectId({ kind, namespace, name });
  if (object === undefined) return err(`${field}: ${id} does not exist`);
  const broken = brokenParameters(object.spec)[0];
  return broken === undefined ? ok(object.spec) : err(`${field}: ${id} is invalid, ${describeError(broken)}`);
}

/** Fields that are replaced as a whole: their parts depend on each other or are alternatives. */
const WHOLE: ReadonlySet<string> = new Set(['affinity', 'behavior', 'podDisruptionBudget', 'redis', 'otlp', 'syslog']);

/**
 * Merges field by field, maps key by key; lists are replaced. A number of replicas replaces autoscaling and vice versa; so do a format
 * and fields of the access log.
 */
export function mergeParameters(near: GatewayParametersSpec, far: GatewayParametersSpec): GatewayParametersSpec {
  const { replicas, autoscaling, ...others } = withoutFormat(far, near);
  const isChosen = near.replicas !== undefined || near.autoscaling !== undefined;
  const kept = {
    ...(isChosen && near.replicas === undefined && autoscaling !== undefined ? { autoscaling } : {}),
    ...(isChosen ? {} : { ...(replicas === undefined ? {} : { replicas }), ...(autoscaling === undefined ? {} : { autoscaling }) }),
  };
  return mergeFields(near, { ...others, ...kept }) as GatewayParametersSpec;
}

function withoutFormat(far: GatewayParametersSpec, { accessLog: near }: GatewayParametersSpec): GatewayParametersSpec {
  if (far.accessLog === undefined || (near?.format === undefined && near?.fields === undefined)) return far;
  const { format: _format, fields: _fields, ...accessLog } = far.accessLog;
  return { ...far, accessLog };
}

type Fields = Readonly<Record<string, unknown>>;

function mergeFields(near: Fields, far: Fields): Fields {
  const merged = new Map(Object.entries(far));
  for (const [name, value] of Object.entries(near)) {
    const outer = merged.get(name);
    merged.set(name, !WHOLE.has(name) && isFields(value) && isFields(outer) ? mergeFields(value, outer) : value);
  }
  return Object.fromEntries(merged);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
