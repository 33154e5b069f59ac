// One listener of a Gateway or ListenerSet: whether it can be served, which routes may attach, its resource, and its status.
import type * as ir from '#api/ir/ir.ts';
import { formatListenerKey } from '#api/ir/ir.ts';
import type { Gateway, Listener, ListenerSet, ListenerTls, RouteNamespaces } from '#api/k8s/k8s.ts';
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import { didYouMean } from '#lib/nearest.ts';
import type { WantedCertificate } from '../watch/certificates.ts';
import { merged, wantedBy, type ListenerAcme } from './acme-wanted.ts';
import { resolveCertificates, type Certificates } from './certificates.ts';
import { resolveClientValidation, type ResolvedValidation } from './client-validation.ts';
import * as conditions from './conditions.ts';
import type { GatewayFrame } from './gateway-frame.ts';
import type { DesiredCondition, ListenerStatus } from './result.ts';
import { isSupported, PROTOCOLS, selectKinds, type RouteKind } from './route-kinds.ts';
import { readTlsOptions } from './tls-options.ts';
import { valueOnly, type UnitOutput, type View } from './view.ts';

/** The facts about a listener that routes need to attach. */
export interface AttachableListener {
  /** Key of the Listener resource. */
  readonly key: string;
  readonly name: string;
  readonly port: number;
  readonly hostname: string;
  readonly kinds: readonly RouteKind[];
  readonly namespaces: RouteNamespaces;
  /** False if the listener is not accepted and nothing can be served there. */
  readonly ready: boolean;
}

/** A compiled listener. `status` lacks attachedRoutes, which depends on routes. Plain data. */
export interface CompiledListener {
  readonly attachable: AttachableListener;
  readonly status: Omit<ListenerStatus, 'attachedRoutes' | 'key'>;
  readonly accepted: boolean;
  readonly resolved: boolean;
  readonly conflicted: boolean;
  /** Whether the listener itself has no problem that prevents serving it. */
  readonly valid: boolean;
  /** Whether it is sent to proxies and, as far as the controller knows, can be served. */
  readonly served: boolean;
}

/** A listener to compile. */
export interface ListenerInput {
  /** The Gateway that serves it. */
  readonly gateway: Gateway;
  readonly frame: GatewayFrame;
  /** Null if the listener belongs to the Gateway itself. */
  readonly listenerSet: ListenerSet | null;
  readonly listener: Listener;
  readonly conflict: conditions.ListenerConflict | null;
  /** Names of other listeners whose clients may reuse connections to this one. */
  readonly overlaps: readonly string[];
}

/** Values shared by the steps of a listener's compilation. */
interface Context extends ListenerInput {
  readonly obstacle: conditions.ListenerObstacle | null;
  readonly refObstacle: conditions.ListenerRefObstacle | null;
  readonly kinds: readonly RouteKind[];
  readonly certificates: Certificates;
  readonly clients: ResolvedValidation;
  readonly acme: ListenerAcme;
}

/** A compiled listener and its resource. */
interface ListenerWithResource {
  readonly compiled: CompiledListener;
  readonly resource: ir.Listener | null;
  readonly wanted: readonly WantedCertificate[];
}

/** Compiles one listener. */
export function compileListener(view: View, input: ListenerInput): ListenerWithResource {
  const context = resolve(view, input);
  const { listener, frame, obstacle, refObstacle, conflict, kinds } = context;
  const accepted = obstacle === null;
  const attachable = attachableOf(input, accepted && frame.addresses !== null);
  const reason = whyNotProgrammed(context);
  const served = reason === null && frame.addresses !== null;
  const unserved = whyUnserved(context);
  const resource =
    unserved === null && frame.addresses !== null
      ? toResource(context, attachable.key, frame.addresses)
      : unservedListener(input, (unserved ?? WHOLE_GATEWAY).message);
  return {
    resource,
    wanted: accepted ? context.acme.wanted : [],
    compiled: {
      attachable,
      status: { name: listener.name, supportedKinds: kinds, conditions: conditionsOf(context, served) },
      accepted,
      resolved: refObstacle === null,
      conflicted: conflict !== null,
      valid: accepted && reason === null,
      served,
    },
  };
}

/** The output of a unit that compiles listeners. */
export function toServe(listeners: readonly ListenerWithResource[]): UnitOutput<readonly CompiledListener[]> {
  return {
    ...valueOnly(listeners.map(({ compiled }) => compiled)),
    resources: listeners.flatMap(({ resource }) => resource ?? []),
    certificates: merged(listeners.flatMap(({ wanted }) => wanted)),
  };
}

/** A listener and the objects that contain it. */
type Held = Pick<ListenerInput, 'gateway' | 'listenerSet' | 'listener'>;

/** The facts about a listener for routes. */
export function attachableOf({ gateway, listenerSet, listener }: Held, ready: boolean): AttachableListener {
  return {
    key: keyOf({ gateway, listenerSet, listener }),
    name: listener.name,
    port: listener.port,
    hostname: listener.hostname,
    kinds: selectKinds(listener.protocol, listener.allowedRoutes.kinds).supported,
    namespaces: listener.allowedRoutes.namespaces,
    ready,
  };
}

function keyOf({ gateway, listenerSet, listener }: Held): string {
  const holder = listenerSet === null ? null : named(listenerSet);
  return formatListenerKey({ gateway: named(gateway), listenerSet: holder, listener: listener.name });
}

function gatewayKey(gateway: Gateway): string {
  const { namespace, name } = named(gateway);
  return `${namespace}/${name}`;
}

function named({ metadata: { namespace = '', name } }: Gateway | ListenerSet): { readonly namespace: string; readonly name: string } {
  return { namespace, name };
}

function resolve(view: View, input: ListenerInput): Context {
  const { gateway, frame, listenerSet, listener, conflict } = input;
  const { supported, invalid } = selectKinds(listener.protocol, listener.allowedRoutes.kinds);
  const { kind, metadata } = listenerSet ?? gateway;
  const from = { kind, namespace: metadata.namespace ?? '' };
  const certificates = resolveCertificates(view, terminating(listener), from);
  const acme = wantedBy(view, { gateway, listener, from, settings: frame.acme });
  const clients = resolveClientValidation(view, gateway, listener);
  return {
    ...input,
    certificates,
    clients,
    acme,
    kinds: supported,
    obstacle: unsupported(listener) ?? conflict ?? withoutAuthority(clients),
    refObstacle:
      acme.obstacle ?? withRemark(certificates.obstacles[0], acme.remark) ?? clients.obstacles[0] ?? invalidKinds(listener, invalid),
  };
}

function withRemark(obstacle: conditions.ListenerRefObstacle | undefined, remark: string): conditions.ListenerRefObstacle | undefined {
  if (obstacle?.reason !== 'InvalidCertificateRef' || remark === '') return obstacle;
  return { ...obstacle, message: `${obstacle.message}; ${remark}` };
}

/** The TLS settings that need certificates; undefined for TLS passthrough. */
function terminating({ tls }: Listener): ListenerTls | undefined {
  return tls?.mode === 'Passthrough' ? undefined : tls;
}

function invalidKinds({ protocol }: Listener, invalid: readonly RouteKind[]): conditions.ListenerRefObstacle | null {
  if (invalid.length === 0) return null;
  const names = invalid.map(({ group, kind }) => (group === GATEWAY_GROUP ? kind : `${group}/${kind}`));
  return { reason: 'InvalidRouteKinds', message: `a listener of protocol ${protocol} cannot have routes of kind ${names.join(', ')}` };
}

/** Protocols of listeners that use certificates or server names. */
const USES_TLS: ReadonlySet<string> = new Set(['HTTPS', 'TLS']);

/** Unsupported settings. The listener is refused instead of served with less protection than requested. */
function unsupported({ protocol, tls }: Listener): conditions.ListenerObstacle | null {
  if (!isSupported(protocol))
    return { reason: 'UnsupportedProtocol', message: `protocol ${protocol} is not supported${protocolHint(protocol)}` };
  const refuse = (message: string) => ({ reason: 'UnsupportedValue', message }) as const;
  if (!USES_TLS.has(protocol)) return tls === undefined ? null : refuse(`tls must not be set for protocol ${protocol}`);
  if (tls === undefined) return refuse(`tls is required for protocol ${protocol}`);
  if (tls.mode === 'Passthrough') return protocol === 'TLS' ? null : refuse(`tls.mode must be Terminate for protocol ${protocol}`);
  const settings = readTlsOptions(tls.options);
  return settings.ok ? null : refuse(`tls.options: ${settings.error}`);
}

function protocolHint(protocol: string): string {
  return didYouMean(protocol, PROTOCOLS) || `; supported are ${PROTOCOLS.join(', ')}`;
}

/** GEP-91: clients that cannot be validated must not be accepted. */
function withoutAuthority({ refused, obstacles }: ResolvedValidation): conditions.ListenerObstacle | null {
  const reasons = obstacles.map(({ message }) => message).join('; ');
  return refused ? { reason: 'NoValidCACertificate', message: `clients cannot be checked: ${reasons}` } : null;
}

/** Protocols of listeners that are distinguished by host name. */
const HAS_HOSTS: ReadonlySet<string> = new Set(['HTTP', 'HTTPS', 'TLS']);

/**
 * The resource of a listener that cannot be served: it keeps its host name, so that no other listener answers for it, and gives the
 * reason. It contains no references.
 */
export function unservedListener({ gateway, listenerSet, listener }: Held, message: string): ir.Listener | null {
  if (!HAS_HOSTS.has(listener.protocol)) return null;
  const mode = listener.tls?.mode ?? 'Terminate';
  return {
    kind: 'Listener',
    key: keyOf({ gateway, listenerSet, listener }),
    gateway: gatewayKey(gateway),
    addresses: [],
    port: listener.port,
    protocol: listener.protocol as ir.ListenerProtocol,
    hostname: listener.hostname,
    tls: USES_TLS.has(listener.protocol) ? { mode, certificates: [] } : null,
    unserved: message,
  };
}

type NotProgrammed = Parameters<typeof conditions.listenerNotProgrammed>[1];

const NO_PAIR = 'tls.certificateRefs is empty';

const WHOLE_GATEWAY: NotProgrammed = { reason: 'Invalid', message: 'the Gateway as a whole cannot be served' };

/** Why the listener itself is not served. A proxy may know a previous pair that the controller does not know. */
function whyNotProgrammed(context: Context): NotProgrammed | null {
  const { listener, certificates, refObstacle } = context;
  const unserved = whyUnserved(context);
  if (unserved !== null || listener.tls?.mode !== 'Terminate' || certificates.usable) return unserved;
  return { reason: 'Invalid', message: refObstacle?.message ?? NO_PAIR };
}

/** Why the listener is not sent to proxies to be served. */
function whyUnserved({ conflict, obstacle, listener, certificates, kinds, refObstacle }: Context): NotProgrammed | null {
  const invalid = (message: string) => ({ reason: 'Invalid', message }) as const;
  if (conflict !== null) return conflict;
  if (obstacle !== null) return invalid(obstacle.message);
  if (kinds.length === 0) return invalid('no kind of route can attach');
  if (listener.tls?.mode !== 'Terminate' || certificates.keys.length > 0) return null;
  return invalid(refObstacle?.message ?? NO_PAIR);
}

function toResource(context: Context, key: string, addresses: readonly string[]): ir.Listener {
  const { gateway, frame, listener, certificates, clients } = context;
  return {
    kind: 'Listener',
    key,
    gateway: gatewayKey(gateway),
    addresses: [...addresses],
    port: listener.port,
    protocol: listener.protocol as ir.ListenerProtocol,
    hostname: listener.hostname,
    tls: listener.tls === undefined ? null : toTls(listener.tls, certificates, clients),
    ...clientCertificate(listener, frame),
  };
}

/** Datagrams and passed-through TLS reach backends unchanged. Without a usable certificate, backends get none. */
function clientCertificate({ protocol, tls }: Listener, { client }: GatewayFrame): Pick<ir.Listener, 'clientCertificate'> {
  const isSecuredAnew = protocol !== 'UDP' && tls?.mode !== 'Passthrough';
  return isSecuredAnew && client.key !== null ? { clientCertificate: client.key } : {};
}

function toTls({ mode, options }: ListenerTls, certificates: Certificates, { validation }: ResolvedValidation): ir.ListenerTls {
  const settings = mode === 'Terminate' ? readTlsOptions(options) : null;
  return {
    mode,
    certificates: [...certificates.keys],
    ...(validation === null ? {} : { clientValidation: validation }),
    ...(settings?.ok !== true || Object.keys(settings.value).length === 0 ? {} : { settings: settings.value }),
  };
}

function conditionsOf(context: Context, programmed: boolean): DesiredCondition[] {
  const { gateway, listenerSet, obstacle, conflict, refObstacle, overlaps, certificates } = context;
  const generation = (listenerSet ?? gateway).metadata.generation ?? 0;
  const reason = whyNotProgrammed(context) ?? WHOLE_GATEWAY;
  const overlap = `clients may reuse connections between this listener and ${overlaps.join(', ')}`;
  return [
    obstacle === null ? conditions.listenerAccepted(generation) : conditions.listenerNotAccepted(generation, obstacle),
    conflict === null ? conditions.listenerNotConflicted(generation) : conditions.listenerConflicted(generation, conflict),
    refObstacle === null
      ? conditions.listenerRefsResolved(generation, certificates.warnings.join('; '))
      : conditions.listenerRefsNotResolved(generation, refObstacle),
    programmed ? conditions.listenerProgrammed(generation) : conditions.listenerNotProgrammed(generation, reason),
    ...(overlaps.length === 0 || obstacle !== null ? [] : [conditions.listenerTlsOverlaps(generation, overlap)]),
  ];
}
