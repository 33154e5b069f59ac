// The common parts of Weir's policies: the targets (GEP-713) and the form of their schemas.
import { Type, type Static, type TProperties } from '#lib/typebox.ts';
import { LabelSelector } from './reference.ts';
import { closed, DnsName, GATEWAY_GROUP, Group, Kind, objectOf, WEIR_GROUP } from './schema.ts';

/** The maximum number of targets, and of selectors, of a policy. */
const MAX_TARGETS = 16;

/** An object in the namespace of the policy, or a part of it. */
export const PolicyTargetRef = closed({
  group: Type.String({ ...Group, default: GATEWAY_GROUP, description: 'The API group of the target.' }),
  kind: Type.String({ ...Kind, description: 'The kind of the target.' }),
  name: Type.String({ ...DnsName, description: 'Its name, in the namespace of the policy.' }),
  sectionName: Type.Optional(
    Type.String({
      ...DnsName,
      description:
        'A part of the target: a listener of a Gateway or ListenerSet, a named rule of a route, a named port of a Service. Absent: the whole of it.',
    }),
  ),
});
export type PolicyTargetRef = Static<typeof PolicyTargetRef>;

/** The conditions of a label selector, with texts for the CRD. */
function describedExpressions(description: string) {
  const { matchExpressions } = LabelSelector.properties;
  const { key, operator, values } = matchExpressions.items.properties;
  const items = {
    ...matchExpressions.items,
    properties: {
      key: { ...key, description: 'The name of the label.' },
      operator: { ...operator, description: 'How the label is compared with the values.' },
      values: { ...values, description: 'Values for In and NotIn; none for Exists and DoesNotExist.' },
    },
  };
  return { ...matchExpressions, items, description };
}

/** Every object of a kind in the namespace of the policy with certain labels. */
export const PolicyTargetSelector = closed({
  group: Type.String({ ...Group, default: GATEWAY_GROUP, description: 'The API group of the targets.' }),
  kind: Type.String({ ...Kind, description: 'The kind of the targets.' }),
  matchLabels: { ...LabelSelector.properties.matchLabels, description: 'Labels that the targets have, with their values.' },
  matchExpressions: describedExpressions('Conditions on labels; all of them must hold.'),
});
export type PolicyTargetSelector = Static<typeof PolicyTargetSelector>;

/** A kind of object that a policy may target, and the meaning of sectionName for it. */
export interface TargetKind {
  readonly group: string;
  readonly kind: string;
  readonly section: 'listener' | 'rule' | 'port' | null;
  /** The settings that have a meaning for this kind of target, as `timeouts.idle`; absent: all settings. */
  readonly settings?: readonly string[];
}

export const GATEWAY_TARGET: TargetKind = { group: GATEWAY_GROUP, kind: 'Gateway', section: 'listener' };
export const LISTENER_SET_TARGET: TargetKind = { group: GATEWAY_GROUP, kind: 'ListenerSet', section: 'listener' };
export const HTTP_ROUTE_TARGET: TargetKind = { group: GATEWAY_GROUP, kind: 'HTTPRoute', section: 'rule' };
export const GRPC_ROUTE_TARGET: TargetKind = { group: GATEWAY_GROUP, kind: 'GRPCRoute', section: 'rule' };
export const TCP_ROUTE_TARGET: TargetKind = { group: GATEWAY_GROUP, kind: 'TCPRoute', section: 'rule' };
export const TLS_ROUTE_TARGET: TargetKind = { group: GATEWAY_GROUP, kind: 'TLSRoute', section: 'rule' };
export const SERVICE_TARGET: TargetKind = { group: '', kind: 'Service', section: 'port' };
export const BACKEND_TARGET: TargetKind = { group: WEIR_GROUP, kind: 'Backend', section: null };

/** The description of a policy kind in its own file. */
export interface PolicyDescription<K extends string, P extends TProperties> {
  readonly kind: K;
  /** That of Weir's kinds unless it is a kind of the Gateway API. */
  readonly apiVersion?: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  /** For `kubectl explain`. */
  readonly description: string;
  readonly targets: readonly TargetKind[];
  /**
   * True: the kind protects its targets. While a policy of the kind is invalid, or refers to what does not exist, requests to its targets
   * are refused. A list: only an invalid policy with one of these settings has this effect; the settings themselves say what a reference
   * that does not resolve means. Other policies have no effect while they are invalid.
   */
  readonly protects?: true | readonly string[];
  /** What the merged settings are for: a listener, each rule, or each backend of a rule. */
  readonly appliesTo: 'listener' | 'rule' | 'backend';
  /** The kind with which policies of this kind are merged, if that is another one. */
  readonly mergedInto?: string;
  /** The settings that read the Consumers in the namespace of the policy. */
  readonly consumers?: readonly string[];
  /** The fields of spec except the targets. */
  readonly settings: P;
  /** What the former release does not know of the kind (`Addition` of the IR): `settings.<path of a setting>`, or '' for the kind. */
  readonly additions: readonly PolicyAddition[];
}

/** An addition to a policy kind, with the meaning of `Addition` of the IR. */
export interface PolicyAddition {
  readonly capability: string;
  readonly path: string;
  readonly otherwise: 'omit' | 'omit silently' | 'withhold' | 'remove';
}

/** A policy kind: its description, and the schemas derived from it. */
export function policyKind<const K extends string, P extends TProperties>(described: PolicyDescription<K, P>) {
  const { kind, targets, settings, apiVersion = `${WEIR_GROUP}/v1alpha1` } = described;
  // Policies of the Gateway API name their targets.
  const maxSelectors = described.apiVersion === undefined ? MAX_TARGETS : 0;
  const spec = Type.Object(
    {
      targetRefs: Type.Array(targeting(PolicyTargetRef, targets), {
        default: [],
        maxItems: MAX_TARGETS,
        description: 'The objects that the policy is for, by name.',
      }),
      targetSelectors: Type.Array(targeting(PolicyTargetSelector, targets), {
        default: [],
        maxItems: maxSelectors,
        description: 'The objects that the policy is for, by label.',
      }),
      ...settings,
    },
    { additionalProperties: false, 'x-kubernetes-validations': [NAMES_A_TARGET] },
  );
  return { ...described, apiVersion, schema: objectOf(apiVersion, kind, spec), settings: closed(settings) };
}

export const NO_TARGET = 'targetRefs and targetSelectors must not both be empty';
const NAMES_A_TARGET = { rule: 'size(self.targetRefs) + size(self.targetSelectors) > 0', message: NO_TARGET };

/** The schema of a target, with the CEL rule for its kinds. */
function targeting<S extends typeof PolicyTargetRef | typeof PolicyTargetSelector>(schema: S, targets: readonly TargetKind[]): S {
  const rule = targets.map(({ group, kind }) => `(self.group == '${group}' && self.kind == '${kind}')`).join(' || ');
  const whole = targets.filter(({ section }) => section === null).map(({ kind }) => `'${kind}'`);
  const hasSection = 'sectionName' in schema.properties && whole.length > 0;
  const sections = { rule: `!has(self.sectionName) || !(self.kind in [${whole.join(', ')}])`, message: 'this kind has no sections' };
  return {
    ...schema,
    'x-kubernetes-validations': [{ rule, message: `must be ${describeTargets(targets)}` }, ...(hasSection ? [sections] : [])],
  };
}

/** `a Gateway, HTTPRoute or Service`. */
export function describeTargets(targets: readonly TargetKind[]): string {
  const kinds = targets.map(({ kind }) => kind);
  return kinds.length === 1 ? `a ${kinds[0] ?? ''}` : `a ${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1) ?? ''}`;
}

/** Whether a field of the settings is one of the names, or part of one: `healthCheck` has `healthCheck.active.path`. */
export function isAmong(names: readonly string[], field: string): boolean {
  return names.some((name) => field === name || field.startsWith(`${name}.`));
}
