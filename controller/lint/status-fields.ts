// Maps a condition to the field that it is about.
import { sourcesIn } from '#api/k8s/backend-source/index.ts';
import type { Backend, Gateway, HttpRoute, ListenerSet } from '#api/k8s/k8s.ts';
import type { KubernetesObject } from '#api/k8s/object.ts';
import type { Policy } from '#api/k8s/policies.ts';
import type { DesiredCondition, DesiredStatus } from '../compile/result.ts';

/** A condition and its position. */
export interface ConditionPlace {
  readonly status: DesiredStatus;
  /** Undefined if the object is not in the files. */
  readonly object: KubernetesObject | undefined;
  readonly part: string;
  /** Index of the part among the parts of the status. */
  readonly index: number;
  readonly condition: DesiredCondition;
}

/** The path of the field, '' for the whole object. */
export function fieldOfCondition(place: ConditionPlace): string {
  const { status, object } = place;
  if (object === undefined) return '';
  switch (status.type) {
    case 'GatewayClass':
      return '';
    case 'Alerting':
      return fieldInMessage(place);
    case 'Gateway':
    case 'ListenerSet':
      return fieldOfListener(object as Gateway | ListenerSet, place);
    case 'Backend':
      return fieldOfBackend(object as Backend, place);
    case 'Consumer':
      return fieldOfCredential(place);
    case 'Route':
      return fieldOfParent(object as HttpRoute, place);
    case 'Policy':
      return fieldOfTarget(object as Policy, place);
  }
}

function fieldInMessage({ condition }: ConditionPlace): string {
  return /^(spec[^:]*): /.exec(condition.message)?.[1] ?? '';
}

const LISTENER_FIELDS: ReadonlyMap<string, string> = new Map([
  ['UnsupportedProtocol', '.protocol'],
  ['InvalidRouteKinds', '.allowedRoutes.kinds'],
  ['HostnameConflict', '.hostname'],
  ['ProtocolConflict', '.protocol'],
]);

function fieldOfListener({ spec }: Gateway | ListenerSet, { part, condition }: ConditionPlace): string {
  if (part === '') return condition.type === 'InsecureFrontendValidationMode' ? 'spec.tls.frontend' : '';
  const i = spec.listeners.findIndex(({ name }) => part === `listener ${name}`);
  const refs = spec.listeners[i]?.tls?.certificateRefs ?? [];
  const ref = refs.findIndex(({ name }) => new RegExp(`/${name.replaceAll('.', '\\.')}( |$)`).test(condition.message));
  if (ref !== -1) return `spec.listeners[${i}].tls.certificateRefs[${ref}]`;
  return `spec.listeners[${i}]${LISTENER_FIELDS.get(condition.reason) ?? ''}`;
}

/** The status has the parents in the order of the route, without those of other controllers. */
function fieldOfParent({ spec }: HttpRoute, { status, index, condition }: ConditionPlace): string {
  if (status.type !== 'Route') return '';
  if (condition.reason === 'NoMatchingListenerHostname') return 'spec.hostnames';
  const told = status.parents[index]?.parentRef;
  const i = spec.parentRefs.findIndex(
    ({ kind, namespace, name, sectionName, port }) =>
      kind === told?.kind && namespace === told.namespace && name === told.name && sectionName === told.sectionName && port === told.port,
  );
  if (condition.reason !== 'NoMatchingParent') return `spec.parentRefs[${i}]`;
  return `spec.parentRefs[${i}].${told?.sectionName === undefined ? 'port' : 'sectionName'}`;
}

/** The first refused address of a list, or the source. */
function fieldOfBackend({ spec }: Backend, { condition: { message, reason } }: ConditionPlace): string {
  const i = (spec.endpoints ?? []).findIndex(({ ip }) => message.includes(`${ip} `));
  if (reason === 'AddressRefused' && i !== -1) return `spec.endpoints[${i}].ip`;
  const [source] = sourcesIn(spec);
  return source === undefined ? '' : `spec.${source.source}`;
}

/** The first field that the message names. */
function fieldOfCredential({ condition: { message } }: ConditionPlace): string {
  return /^spec\.[\w.[\]]+/.exec(message)?.[0] ?? '';
}

const OF_AUTHORITIES: ReadonlySet<string> = new Set(['NoValidCACertificate', 'InvalidCACertificateRef', 'InvalidKind']);

function fieldOfTarget({ metadata, spec }: Policy, { condition: { message, reason } }: ConditionPlace): string {
  if (OF_AUTHORITIES.has(reason)) return 'spec.validation.caCertificateRefs';
  const setting = /^without effect: ([\w.]+)/.exec(message)?.[1];
  if (setting !== undefined) return `spec.${setting}`;
  const i = spec.targetRefs.findIndex(({ kind, name }) => message.startsWith(`${kind}/${metadata.namespace ?? ''}/${name} `));
  if (i === -1) return '';
  return `spec.targetRefs[${i}]${/ has no /.test(message) ? '.sectionName' : ''}`;
}
