// Gateways of our classes: their listeners, and what is true of the Gateway as a whole.
import { isIP } from 'node:net';
import type { Listener } from '#api/ir/ir.ts';
import type { Gateway } from '#api/k8s/k8s.ts';
import type { Result } from '#lib/result.ts';
import { resolveClientCertificate } from './certificates.ts';
import { insecureValidation } from './client-validation.ts';
import * as conditions from './conditions.ts';
import { fleetOf } from './fleet.ts';
import { gatewayAddresses, type GatewayAddresses } from './gateway-addresses.ts';
import { gatewayClassUnit } from './gateway-class.ts';
import { compileListener, type AttachableListener, type CompiledListener } from './listener.ts';
import { gatewayParameters, type ResolvedParameters } from './parameters.ts';
import type { DesiredCondition, StatusAddress } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** A Gateway compiled, but for what its routes decide. */
export interface CompiledGateway {
  readonly listeners: readonly Pick<CompiledListener, 'attachable' | 'status'>[];
  readonly conditions: readonly DesiredCondition[];
  readonly addresses: readonly StatusAddress[];
}

/** Key: `<namespace>/<name>`. Null when there is no such Gateway, or it is not ours. */
export const gatewayUnit: UnitKind<CompiledGateway | null> = {
  name: 'gateway',
  stage: 'parent',
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const gateway = view.object('Gateway', namespace, name);
    if (gateway === undefined) return valueOnly(null);
    const outcome = view.read(gatewayClassUnit, gateway.spec.gatewayClassName);
    if (outcome === 'not ours') return valueOnly(null);
    const parameters = gatewayParameters(view, gateway);
    const obstacle = obstacleOf(gateway, parameters);
    const fleet = fleetOf(gateway, parameters.ok ? parameters.value : null);
    const toBind = obstacle === null ? addressesToBind(view, gateway, fleet !== null) : null;
    const listeners = gateway.spec.listeners.map((listener) => compileListener(view, gateway, listener, toBind));
    const client = resolveClientCertificate(view, gateway);
    const reached = obstacle === null ? gatewayAddresses(view, gateway, fleet !== null) : NOT_REACHED;
    return {
      ...valueOnly({
        listeners: listeners.map(({ attachable, status }) => ({ attachable, status })),
        conditions: [...conditionsOf(gateway, { obstacle, listeners, client, reached }), ...ignoredCondition(gateway, parameters)],
        addresses: reached.addresses,
      }),
      fleet,
      resources: listeners.flatMap(({ resource }) => (resource === null ? [] : [withClientCertificate(resource, client)])),
    };
  },
};

const NOT_REACHED: GatewayAddresses = { addresses: [], obstacle: null };

/** Key: `<namespace>/<name>`. What routes see of a Gateway: without what changes and does not matter to them. Null: not ours. */
export const attachableUnit: UnitKind<readonly AttachableListener[] | null> = {
  name: 'attachable',
  stage: 'attachable',
  compile(view, key) {
    const gateway = view.read(gatewayUnit, key);
    return valueOnly(gateway === null ? null : gateway.listeners.map((listener) => listener.attachable));
  },
};

/** What keeps the whole Gateway from being served. */
function obstacleOf(gateway: Gateway, parameters: Result<ResolvedParameters>): conditions.GatewayObstacle | null {
  if (!parameters.ok) return { reason: 'InvalidParameters', message: parameters.error };
  const strange = gateway.spec.addresses.find((address) => address.type !== 'IPAddress');
  if (strange === undefined) return null;
  return { reason: 'UnsupportedAddress', message: `spec.addresses: type ${strange.type} is not supported, only IPAddress` };
}

/** Null when there is none of those the Gateway names: better no listener than one on addresses nobody asked for. */
function addressesToBind(view: View, gateway: Gateway, ownFleet: boolean): readonly string[] | null {
  const named = gateway.spec.addresses.map((address) => address.value).filter((value) => value !== '');
  const usable = named.filter((value) => isIP(value) !== 0);
  if (named.length > 0 && usable.length === 0) return null;
  // A Service is in front of a fleet of its own: its address is none of the pods'.
  return view.options.bindAddresses && !ownFleet ? usable : [];
}

/** What the parts of a Gateway came to. */
interface Findings {
  readonly obstacle: conditions.GatewayObstacle | null;
  readonly listeners: readonly CompiledListener[];
  readonly client: Result<string | null, conditions.ClientCertificateObstacle>;
  readonly reached: GatewayAddresses;
}

/** Only requests are sent to backends with it. Without one that can be used backends are shown none. */
function withClientCertificate(listener: Listener, client: Findings['client']): Listener {
  const sendsRequests = listener.protocol === 'HTTP' || listener.protocol === 'HTTPS';
  return sendsRequests && client.ok && client.value !== null ? { ...listener, clientCertificate: client.value } : listener;
}

function refsCondition(generation: number, client: Findings['client'], unresolved: readonly string[]): DesiredCondition {
  if (!client.ok) return conditions.gatewayRefInvalid(generation, client.error);
  if (unresolved.length === 0) return conditions.gatewayRefsResolved(generation);
  return conditions.gatewayRefsNotResolved(generation, `listeners with unresolved references: ${unresolved.join(', ')}`);
}

function conditionsOf(gateway: Gateway, { obstacle, listeners, client, reached }: Findings): DesiredCondition[] {
  const generation = gateway.metadata.generation ?? 0;
  const unresolved = listeners.filter((listener) => !listener.resolved).map((listener) => listener.attachable.name);
  const insecure = insecureValidation(gateway);
  return [
    acceptedCondition(generation, obstacle, listeners),
    programmedCondition(generation, listeners, reached),
    refsCondition(generation, client, unresolved),
    ...(insecure === null ? [] : [conditions.gatewayValidatesInsecurely(generation, insecure)]),
  ];
}

function acceptedCondition(
  generation: number,
  obstacle: conditions.GatewayObstacle | null,
  listeners: readonly CompiledListener[],
): DesiredCondition {
  if (obstacle !== null) return conditions.gatewayNotAccepted(generation, obstacle);
  const refused = listeners.filter((listener) => !listener.accepted).map((listener) => listener.attachable.name);
  if (refused.length === 0) return conditions.gatewayAccepted(generation);
  const message = `listeners not accepted: ${refused.join(', ')}`;
  return refused.length < listeners.length
    ? conditions.gatewayPartlyAccepted(generation, message)
    : conditions.gatewayWithoutListeners(generation, message);
}

function programmedCondition(generation: number, listeners: readonly CompiledListener[], { obstacle }: GatewayAddresses): DesiredCondition {
  const served = listeners.some((listener) => listener.resource !== null);
  if (obstacle?.reason === 'AddressNotUsable' || (served && obstacle !== null))
    return conditions.gatewayNotProgrammed(generation, obstacle);
  if (served) return conditions.gatewayProgrammed(generation, 1, 1);
  return conditions.gatewayNotProgrammed(generation, { reason: 'Invalid', message: 'no listener can be served' });
}

/** What the Gateway asks for beyond its listeners and Weir leaves undone. */
function ignoredCondition(gateway: Gateway, parameters: Result<ResolvedParameters>): DesiredCondition[] {
  const { allowedListeners, defaultScope, infrastructure } = gateway.spec;
  const fields = { 'spec.allowedListeners': allowedListeners, 'spec.defaultScope': defaultScope };
  // Nothing is made for a Gateway that shares its proxies.
  const isShared = parameters.ok && parameters.value.mode === 'Shared';
  const { labels, annotations } = infrastructure ?? {};
  const unmade = isShared ? { 'spec.infrastructure.labels': labels, 'spec.infrastructure.annotations': annotations } : {};
  const settings = isShared ? Object.keys(parameters.value.spec).filter((name) => name !== 'fleet') : [];
  const ignored = Object.entries({ ...fields, ...unmade }).filter(([, value]) => value !== undefined);
  const names = [...ignored.map(([field]) => field), ...settings.map((name) => `${name} of its GatewayParameters (fleet: Shared)`)];
  return names.length === 0 ? [] : [conditions.unsupportedFields(gateway.metadata.generation ?? 0, names)];
}
