// One listener of a Gateway: whether it can be served, what routes may attach, what a proxy is told, and its status.
import type * as ir from '#api/ir/ir.ts';
import type { Gateway, Listener, ListenerTls, RouteNamespaces } from '#api/k8s/k8s.ts';
import { GATEWAY_GROUP } from '#api/k8s/schema.ts';
import { resolveCertificates, type Certificates } from './certificates.ts';
import { resolveClientValidation, type ResolvedValidation } from './client-validation.ts';
import * as conditions from './conditions.ts';
import { findConflict, overlappingTls } from './conflicts.ts';
import type { DesiredCondition, ListenerStatus } from './result.ts';
import { isSupported, selectKinds, type RouteKind } from './route-kinds.ts';
import { readTlsOptions } from './tls-options.ts';
import type { View } from './view.ts';

/** What routes need to know of a listener to attach to it. */
export interface AttachableListener {
  /** Key of the Listener resource. */
  readonly key: string;
  readonly name: string;
  readonly port: number;
  readonly hostname: string;
  readonly kinds: readonly RouteKind[];
  readonly namespaces: RouteNamespaces;
  /** False when the listener is not accepted: nothing can be served there. */
  readonly ready: boolean;
}

/** A listener compiled. `status` lacks attachedRoutes, which routes decide. */
export interface CompiledListener {
  readonly attachable: AttachableListener;
  readonly resource: ir.Listener | null;
  readonly status: Omit<ListenerStatus, 'attachedRoutes'>;
  readonly accepted: boolean;
  readonly resolved: boolean;
}

/** What the parts of a listener's compilation share. */
interface Context {
  readonly gateway: Gateway;
  readonly listener: Listener;
  readonly obstacle: conditions.ListenerObstacle | null;
  readonly refObstacle: conditions.ListenerRefObstacle | null;
  readonly conflict: conditions.ListenerConflict | null;
  readonly kinds: readonly RouteKind[];
  readonly certificates: Certificates;
  readonly clients: ResolvedValidation;
}

/** Compiles one listener. `addresses` are those to bind, null when the Gateway as a whole cannot be served. */
export function compileListener(view: View, gateway: Gateway, listener: Listener, addresses: readonly string[] | null): CompiledListener {
  const context = resolve(view, gateway, listener);
  const accepted = context.obstacle === null;
  const key = listenerKey(gateway, listener.name);
  const resource = addresses === null || whyNotProgrammed(context) !== null ? null : toResource(context, key, addresses);
  return {
    attachable: {
      key,
      name: listener.name,
      port: listener.port,
      hostname: listener.hostname,
      kinds: context.kinds,
      namespaces: listener.allowedRoutes.namespaces,
      ready: accepted && addresses !== null,
    },
    resource,
    status: { name: listener.name, supportedKinds: context.kinds, conditions: conditionsOf(context, resource !== null) },
    accepted,
    resolved: context.refObstacle === null,
  };
}

/** `<gateway namespace>/<gateway name>/<listener name>`. */
function listenerKey(gateway: Gateway, name: string): string {
  return `${gateway.metadata.namespace ?? ''}/${gateway.metadata.name}/${name}`;
}

function resolve(view: View, gateway: Gateway, listener: Listener): Context {
  const { supported, invalid } = selectKinds(listener.protocol, listener.allowedRoutes.kinds);
  const certificates = resolveCertificates(view, terminating(listener), gateway.metadata.namespace ?? '');
  const served = gateway.spec.listeners.filter((other) => isSupported(other.protocol));
  const conflict = isSupported(listener.protocol) ? findConflict(listener, served) : null;
  const clients = resolveClientValidation(view, gateway, listener);
  return {
    gateway,
    listener,
    conflict,
    certificates,
    clients,
    kinds: supported,
    obstacle: unsupported(listener) ?? conflict ?? withoutAuthority(clients),
    refObstacle: certificates.obstacles[0] ?? clients.obstacles[0] ?? invalidKinds(listener, invalid),
  };
}

/** A listener that passes TLS through has no use for certificates, whatever it names. */
function terminating({ tls }: Listener): ListenerTls | undefined {
  return tls?.mode === 'Passthrough' ? undefined : tls;
}

function invalidKinds({ protocol }: Listener, invalid: readonly RouteKind[]): conditions.ListenerRefObstacle | null {
  if (invalid.length === 0) return null;
  const names = invalid.map(({ group, kind }) => (group === GATEWAY_GROUP ? kind : `${group}/${kind}`));
  return { reason: 'InvalidRouteKinds', message: `a listener of protocol ${protocol} cannot have routes of kind ${names.join(', ')}` };
}

/** Protocols of listeners that need to know about certificates or server names. */
const USES_TLS: ReadonlySet<string> = new Set(['HTTPS', 'TLS']);

/** What the listener asks for and Weir does not do. It is refused rather than served with less protection than it asks for. */
function unsupported({ protocol, tls }: Listener): conditions.ListenerObstacle | null {
  if (!isSupported(protocol)) return { reason: 'UnsupportedProtocol', message: `protocol ${protocol} is not supported` };
  const refuse = (message: string) => ({ reason: 'UnsupportedValue', message }) as const;
  if (!USES_TLS.has(protocol)) return tls === undefined ? null : refuse(`tls must not be set for protocol ${protocol}`);
  if (tls === undefined) return refuse(`tls is required for protocol ${protocol}`);
  if (tls.mode === 'Passthrough') return protocol === 'TLS' ? null : refuse(`tls.mode must be Terminate for protocol ${protocol}`);
  const settings = readTlsOptions(tls.options);
  return settings.ok ? null : refuse(`tls.options: ${settings.error}`);
}

/** GEP-91: clients that cannot be checked must not come in unchecked. */
function withoutAuthority({ refused, obstacles }: ResolvedValidation): conditions.ListenerObstacle | null {
  const reasons = obstacles.map(({ message }) => message).join('; ');
  return refused ? { reason: 'NoValidCACertificate', message: `clients cannot be checked: ${reasons}` } : null;
}

type NotProgrammed = Parameters<typeof conditions.listenerNotProgrammed>[1];

/** What keeps the listener itself from being sent to a proxy. */
function whyNotProgrammed({ conflict, obstacle, listener, certificates, kinds, refObstacle }: Context): NotProgrammed | null {
  const invalid = (message: string) => ({ reason: 'Invalid', message }) as const;
  if (conflict !== null) return conflict;
  if (obstacle !== null) return invalid(obstacle.message);
  if (kinds.length === 0) return invalid('no kind of route can attach');
  if (listener.tls?.mode !== 'Terminate' || certificates.keys.length > 0) return null;
  return invalid(refObstacle?.message ?? 'tls.certificateRefs is empty');
}

function toResource({ gateway, listener, certificates, clients }: Context, key: string, addresses: readonly string[]): ir.Listener {
  return {
    kind: 'Listener',
    key,
    gateway: `${gateway.metadata.namespace ?? ''}/${gateway.metadata.name}`,
    addresses: [...addresses],
    port: listener.port,
    protocol: listener.protocol as ir.ListenerProtocol,
    hostname: listener.hostname,
    tls: listener.tls === undefined ? null : toTls(listener.tls, certificates, clients),
  };
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
  const { gateway, listener, obstacle, conflict, refObstacle } = context;
  const generation = gateway.metadata.generation ?? 0;
  const reason = whyNotProgrammed(context) ?? { reason: 'Invalid', message: 'the Gateway as a whole cannot be served' };
  const overlaps = obstacle === null ? overlappingTls(listener, gateway.spec.listeners) : [];
  const overlap = `clients may reuse connections between this listener and ${overlaps.join(', ')}`;
  return [
    obstacle === null ? conditions.listenerAccepted(generation) : conditions.listenerNotAccepted(generation, obstacle),
    conflict === null ? conditions.listenerNotConflicted(generation) : conditions.listenerConflicted(generation, conflict),
    refObstacle === null ? conditions.listenerRefsResolved(generation) : conditions.listenerRefsNotResolved(generation, refObstacle),
    programmed ? conditions.listenerProgrammed(generation) : conditions.listenerNotProgrammed(generation, reason),
    ...(overlaps.length === 0 ? [] : [conditions.listenerTlsOverlaps(generation, overlap)]),
  ];
}
