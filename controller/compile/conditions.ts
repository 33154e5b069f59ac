// Status conditions: one constructor for each, so that type, reason and polarity are defined in one place.
// Vocabulary: Gateway API, apis/v1 (GatewayConditionType, ListenerConditionType, RouteConditionType).
import { WEIR_GROUP } from '#api/k8s/schema.ts';
import type { DesiredCondition } from './result.ts';

type Status = DesiredCondition['status'];

/** metav1.Condition allows this many characters. */
const MAX_MESSAGE = 32_768;

/** A condition, with a message that is not too long. */
export function condition(type: string, status: Status, reason: string, message: string, observedGeneration: number): DesiredCondition {
  return { type, status, reason, message: message.slice(0, MAX_MESSAGE), observedGeneration };
}

/** A problem, with a reason of the condition that reports it. */
export interface Obstacle<R extends string> {
  readonly reason: R;
  readonly message: string;
}

// --- GatewayClass

export function classAccepted(generation: number): DesiredCondition {
  return condition('Accepted', 'True', 'Accepted', 'served by this controller', generation);
}

export function classNotAccepted(generation: number, obstacle: Obstacle<'InvalidParameters'>): DesiredCondition {
  return condition('Accepted', 'False', obstacle.reason, obstacle.message, generation);
}

/** `release`: the installed release as text. */
export function classVersionSupported(generation: number, release: string): DesiredCondition {
  return condition('SupportedVersion', 'True', 'SupportedVersion', `Gateway API ${release} is installed`, generation);
}

/** The class is served as far as possible. */
export function classVersionNotSupported(generation: number, message: string): DesiredCondition {
  return condition('SupportedVersion', 'False', 'UnsupportedVersion', message, generation);
}

/** A condition of Weir: whether the controller can watch every kind that Gateways of the class depend on. */
export const RESOURCES_READABLE = `${WEIR_GROUP}/ResourcesReadable`;

export function classResourcesReadable(generation: number): DesiredCondition {
  return condition(RESOURCES_READABLE, 'True', 'ResourcesReadable', 'every kind that is needed can be read', generation);
}

export type ReadObstacle = Obstacle<'Forbidden' | 'NotInstalled' | 'Failing'>;

/** The last known configuration stays in use. */
export function classResourcesNotReadable(generation: number, obstacle: ReadObstacle): DesiredCondition {
  return condition(RESOURCES_READABLE, 'False', obstacle.reason, obstacle.message, generation);
}

// --- Gateway

export type GatewayObstacle = Obstacle<'InvalidParameters' | 'UnsupportedAddress'>;

export function gatewayAccepted(generation: number): DesiredCondition {
  return condition('Accepted', 'True', 'Accepted', 'every listener is accepted', generation);
}

/** Some listeners are served, others are not. */
export function gatewayPartlyAccepted(generation: number, message: string): DesiredCondition {
  return condition('Accepted', 'True', 'ListenersNotValid', message, generation);
}

/** No listener can be served. */
export function gatewayWithoutListeners(generation: number, message: string): DesiredCondition {
  return condition('Accepted', 'False', 'ListenersNotValid', message, generation);
}

export function gatewayNotAccepted(generation: number, obstacle: GatewayObstacle): DesiredCondition {
  return condition('Accepted', 'False', obstacle.reason, obstacle.message, generation);
}

/**
 * Condition of a Gateway or ListenerSet: `acked` of `total` proxies serve its current listeners. Compile has no acks and passes 1 of 1;
 * `status/programmed.ts` replaces the condition.
 */
export function programmedBy(generation: number, acked: number, total: number): DesiredCondition {
  if (total === 0) return condition('Programmed', 'False', 'Pending', 'no proxy is connected', generation);
  if (acked < total) return condition('Programmed', 'False', 'Pending', `${acked} of ${total} proxies have the configuration`, generation);
  return condition('Programmed', 'True', 'Programmed', 'every proxy has the configuration', generation);
}

export function gatewayNotProgrammed(
  generation: number,
  obstacle: Obstacle<'Invalid' | 'AddressNotUsable' | 'AddressNotAssigned'>,
): DesiredCondition {
  return condition('Programmed', 'False', obstacle.reason, obstacle.message, generation);
}

export function gatewayRefsResolved(generation: number): DesiredCondition {
  return condition('ResolvedRefs', 'True', 'ResolvedRefs', 'every reference is resolved', generation);
}

export function gatewayRefsNotResolved(generation: number, message: string): DesiredCondition {
  return condition('ResolvedRefs', 'False', 'ListenersNotResolved', message, generation);
}

/** Negative polarity: exists only as True. */
export function gatewayValidatesInsecurely(generation: number, message: string): DesiredCondition {
  return condition('InsecureFrontendValidationMode', 'True', 'ConfigurationChanged', message, generation);
}

/** `reason`: that of the client certificate for backends, or that of the Redis of its proxies. */
export function gatewayRefInvalid(generation: number, obstacle: ClientCertificateObstacle | Obstacle<'InvalidRedisRef'>): DesiredCondition {
  return condition('ResolvedRefs', 'False', obstacle.reason, obstacle.message, generation);
}

export type ClientCertificateObstacle = Obstacle<'InvalidClientCertificateRef' | 'RefNotPermitted'>;

// --- ListenerSet, GEP-1713 (ListenerSetConditionType)

export type ListenerSetObstacle = Obstacle<'NotAllowed' | 'ParentNotAccepted'>;

export function listenerSetAccepted(generation: number): DesiredCondition {
  return condition('Accepted', 'True', 'Accepted', 'every listener is served by the Gateway', generation);
}

/** Some listeners are served, others are not. */
export function listenerSetPartlyAccepted(generation: number, message: string): DesiredCondition {
  return condition('Accepted', 'True', 'ListenersNotValid', message, generation);
}

export function listenerSetNotAccepted(
  generation: number,
  obstacle: ListenerSetObstacle | Obstacle<'ListenersNotValid'>,
): DesiredCondition {
  return condition('Accepted', 'False', obstacle.reason, obstacle.message, generation);
}

export function listenerSetNotProgrammed(
  generation: number,
  obstacle: ListenerSetObstacle | Obstacle<'ListenersNotValid' | 'ParentNotProgrammed'>,
): DesiredCondition {
  return condition('Programmed', 'False', obstacle.reason, obstacle.message, generation);
}

// --- BackendTLSPolicy

export type BackendTlsObstacle = Obstacle<'Invalid' | 'NoValidCACertificate'>;

export function backendTlsNotAccepted(generation: number, obstacle: BackendTlsObstacle | PolicyObstacle): DesiredCondition {
  return condition('Accepted', 'False', obstacle.reason, obstacle.message, generation);
}

export type BackendTlsRefObstacle = Obstacle<'InvalidCACertificateRef' | 'InvalidKind'>;

export function backendTlsRefsResolved(generation: number): DesiredCondition {
  return condition('ResolvedRefs', 'True', 'ResolvedRefs', 'every reference is resolved', generation);
}

export function backendTlsRefsNotResolved(generation: number, obstacle: BackendTlsRefObstacle): DesiredCondition {
  return condition('ResolvedRefs', 'False', obstacle.reason, obstacle.message, generation);
}

// --- Consumer

export function consumerAccepted(generation: number): DesiredCondition {
  return condition('Accepted', 'True', 'Accepted', 'the Consumer is valid', generation);
}

export function consumerNotAccepted(generation: number, message: string): DesiredCondition {
  return condition('Accepted', 'False', 'Invalid', message, generation);
}

export type ConsumerObstacle = Obstacle<'NotFound' | 'KeyNotFound' | 'InvalidValue' | 'Unreadable'>;

export function consumerRefsResolved(generation: number): DesiredCondition {
  return condition('ResolvedRefs', 'True', 'ResolvedRefs', 'every credential is usable', generation);
}

export function consumerRefsNotResolved(generation: number, { reason, message }: ConsumerObstacle): DesiredCondition {
  return condition('ResolvedRefs', 'False', reason, message, generation);
}

/** Another Consumer has some of the credentials. */
export function consumerConflicted(generation: number, message: string): DesiredCondition {
  return condition('Conflicted', 'True', 'Conflicted', message, generation);
}

// --- Backend

export function backendAccepted(generation: number): DesiredCondition {
  return condition('Accepted', 'True', 'Accepted', 'the Backend is valid', generation);
}

export function backendNotAccepted(generation: number, message: string): DesiredCondition {
  return condition('Accepted', 'False', 'Invalid', message, generation);
}

/** Whether all endpoints of a Backend are known and in use. */
export const ENDPOINTS_RESOLVED = 'EndpointsResolved';

export function endpointsResolved(generation: number): DesiredCondition {
  return condition(ENDPOINTS_RESOLVED, 'True', 'EndpointsResolved', 'every endpoint is known', generation);
}

/** `reason`: Pending, AddressRefused, InvalidSecretRef, NoEndpoints, or that of the source. */
export function endpointsNotResolved(generation: number, { reason, message }: Obstacle<string>): DesiredCondition {
  return condition(ENDPOINTS_RESOLVED, 'False', reason, message, generation);
}

// --- Listener

export type ListenerObstacle = Obstacle<
  'UnsupportedProtocol' | 'UnsupportedValue' | 'HostnameConflict' | 'ProtocolConflict' | 'NoValidCACertificate'
>;
export type ListenerRefObstacle = Obstacle<'InvalidCertificateRef' | 'InvalidRouteKinds' | 'RefNotPermitted'> | CaRefObstacle;
/** A problem of a reference to the CA certificates for clients. */
export type CaRefObstacle = Obstacle<'InvalidCACertificateRef' | 'InvalidCACertificateKind' | 'RefNotPermitted'>;

export function listenerAccepted(generation: number): DesiredCondition {
  return condition('Accepted', 'True', 'Accepted', 'the listener is valid', generation);
}

export function listenerNotAccepted(generation: number, obstacle: ListenerObstacle): DesiredCondition {
  return condition('Accepted', 'False', obstacle.reason, obstacle.message, generation);
}

export function listenerConflicted(generation: number, conflict: ListenerConflict): DesiredCondition {
  return condition('Conflicted', 'True', conflict.reason, conflict.message, generation);
}

export type ListenerConflict = Obstacle<'HostnameConflict' | 'ProtocolConflict'>;

export function listenerNotConflicted(generation: number): DesiredCondition {
  return condition('Conflicted', 'False', 'NoConflicts', 'no other listener claims the same traffic', generation);
}

/** `warning`: a problem of a reference that is served anyway, or ''. */
export function listenerRefsResolved(generation: number, warning: string): DesiredCondition {
  const message = warning === '' ? 'every reference is resolved' : `every reference is resolved, but ${warning}`;
  return condition('ResolvedRefs', 'True', 'ResolvedRefs', message, generation);
}

export function listenerRefsNotResolved(generation: number, obstacle: ListenerRefObstacle): DesiredCondition {
  return condition('ResolvedRefs', 'False', obstacle.reason, obstacle.message, generation);
}

export function listenerProgrammed(generation: number): DesiredCondition {
  return condition('Programmed', 'True', 'Programmed', 'the listener is sent to the proxies', generation);
}

/** Sent, but not every proxy serves it yet. */
export function listenerPending(generation: number, acked: number, total: number): DesiredCondition {
  const message = total === 0 ? 'no proxy is connected' : `${acked} of ${total} proxies serve the listener`;
  return condition('Programmed', 'False', 'Pending', message, generation);
}

/** A conflict is also reported here, with its own reason (conformance: ListenerSetHostnameConflict). */
export function listenerNotProgrammed(generation: number, obstacle: Obstacle<'Invalid'> | ListenerConflict): DesiredCondition {
  return condition('Programmed', 'False', obstacle.reason, obstacle.message, generation);
}

/** Negative polarity: exists only as True. */
export function listenerTlsOverlaps(generation: number, message: string): DesiredCondition {
  return condition('OverlappingTLSConfig', 'True', 'OverlappingHostnames', message, generation);
}

// --- Route

export type AttachObstacle = Obstacle<
  'NoMatchingParent' | 'NotAllowedByListeners' | 'NoMatchingListenerHostname' | 'HostnameConflict' | 'NoReadyListeners'
>;
/** `RefusedByProxy`: the referenced object exists, but proxies refuse it. */
export type RefusedReference = Obstacle<'RefusedByProxy'>;
export type BackendObstacle = Obstacle<'BackendNotFound' | 'InvalidKind' | 'RefNotPermitted' | 'UnsupportedProtocol'>;

/** `exception`: a remark about some of the listeners, or ''. */
export function routeAccepted(generation: number, exception: string): DesiredCondition {
  const message = exception === '' ? 'the route is attached' : `the route is attached, but ${exception}`;
  return condition('Accepted', 'True', 'Accepted', message, generation);
}

export function routeNotAccepted(generation: number, obstacle: AttachObstacle | Obstacle<'UnsupportedValue'>): DesiredCondition {
  return condition('Accepted', 'False', obstacle.reason, obstacle.message, generation);
}

export function routeRefsResolved(generation: number): DesiredCondition {
  return condition('ResolvedRefs', 'True', 'ResolvedRefs', 'every reference is resolved', generation);
}

export function routeRefsNotResolved(generation: number, obstacle: BackendObstacle | RefusedReference): DesiredCondition {
  return condition('ResolvedRefs', 'False', obstacle.reason, obstacle.message, generation);
}

/** Some rules cannot be served. The Gateway API requires that the message begins with "Dropped Rule". */
export function routePartiallyInvalid(generation: number, message: string): DesiredCondition {
  return condition('PartiallyInvalid', 'True', 'UnsupportedValue', `Dropped Rule: ${message}`, generation);
}

// --- Policy, GEP-713 (PolicyConditionType)

export type PolicyObstacle = Obstacle<'Conflicted' | 'Invalid' | 'TargetNotFound'>;

export function policyAccepted(generation: number): DesiredCondition {
  return condition('Accepted', 'True', 'Accepted', 'the policy is in force', generation);
}

export function policyNotAccepted(generation: number, obstacle: PolicyObstacle): DesiredCondition {
  return condition('Accepted', 'False', obstacle.reason, obstacle.message, generation);
}

/** A problem of a reference in the settings. */
export type PolicyRefObstacle = Obstacle<'NotFound' | 'KeyNotFound' | 'InvalidDocument'> | BackendObstacle;

export function policyRefsResolved(generation: number): DesiredCondition {
  return condition('ResolvedRefs', 'True', 'ResolvedRefs', 'every reference is resolved', generation);
}

export function policyRefsNotResolved(generation: number, { reason, message }: PolicyRefObstacle | RefusedReference): DesiredCondition {
  return condition('ResolvedRefs', 'False', reason, message, generation);
}

/** An older policy has some targets or metrics; the policy is in force for the others. Exists only as True. */
export function policyPartlyConflicted(generation: number, message: string): DesiredCondition {
  return condition('Conflicted', 'True', 'Conflicted', message, generation);
}

/** More specific policies override some settings. Exists only as True. */
export function policyOverridden(generation: number, message: string): DesiredCondition {
  return condition('Overridden', 'True', 'Overridden', message, generation);
}

/** Some settings have no effect on some targets. Exists only as True. */
export function policyWithoutEffect(generation: number, message: string): DesiredCondition {
  return condition('UnsupportedFields', 'True', 'UnsupportedValue', `without effect: ${message}`, generation);
}

// --- Any object

/** Proxies refuse the compiled object and keep its previous version. Exists only as True. */
export function refusedByProxy(generation: number, message: string): DesiredCondition {
  return condition('RefusedByProxy', 'True', 'Invalid', message, generation);
}

/** Fields that the object sets and Weir ignores. Exists only as True. */
export function unsupportedFields(generation: number, fields: readonly string[], withoutEffect: readonly string[] = []): DesiredCondition {
  const ignored = fields.length === 0 ? [] : [`not supported and ignored: ${fields.join(', ')}`];
  const lacking = withoutEffect.length === 0 ? [] : [`without effect: ${withoutEffect.join('; ')}`];
  return condition('UnsupportedFields', 'True', 'UnsupportedValue', [...ignored, ...lacking].join('; '), generation);
}
