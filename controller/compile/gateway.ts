// Gateways of our classes: their listeners, and what is true of the Gateway as a whole.
import { isIP } from 'node:net';
import type { Listener } from '#api/ir/ir.ts';
import type { Gateway } from '#api/k8s/k8s.ts';
import type { Result } from '#lib/result.ts';
import { resolveClientCertificate } from './certificates.ts';
import { insecureValidation } from './client-validation.ts';
import * as conditions from './conditions.ts';
import { lacksAddress, statusAddresses } from './gateway-addresses.ts';
import { gatewayClassUnit } from './gateway-class.ts';
import { compileListener, type AttachableListener, type CompiledListener } from './listener.ts';
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
    const obstacle = obstacleOf(gateway, outcome === 'not accepted');
    const addresses = obstacle === null ? addressesToBind(view, gateway) : null;
    const listeners = gateway.spec.listeners.map((listener) => compileListener(view, gateway, listener, addresses));
    const client = resolveClientCertificate(view, gateway);
    return {
      ...valueOnly({
        listeners: listeners.map(({ attachable, status }) => ({ attachable, status })),
        conditions: conditionsOf(view, gateway, { obstacle, listeners, client }),
        addresses: obstacle === null ? statusAddresses(gateway, view.options) : [],
      }),
      resources: listeners.flatMap(({ resource }) => (resource === null ? [] : [withClientCertificate(resource, client)])),
    };
  },
};

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
function obstacleOf(gateway: Gateway, classRefused: boolean): conditions.GatewayObstacle | null {
  const { gatewayClassName, infrastructure, addresses } = gateway.spec;
  if (classRefused) return { reason: 'InvalidParameters', message: `GatewayClass/${gatewayClassName} is not accepted` };
  const parameters = infrastructure?.parametersRef;
  if (parameters !== undefined) {
    const message = `spec.infrastructure.parametersRef: ${parameters.kind}/${parameters.name} of group "${parameters.group}" is not supported`;
    return { reason: 'InvalidParameters', message };
  }
  const strange = addresses.find((address) => address.type !== 'IPAddress');
  if (strange === undefined) return null;
  return { reason: 'UnsupportedAddress', message: `spec.addresses: type ${strange.type} is not supported, only IPAddress` };
}

/** Null when there is none of those the Gateway names: better no listener than one on addresses nobody asked for. */
function addressesToBind(view: View, gateway: Gateway): readonly string[] | null {
  const named = gateway.spec.addresses.map((address) => address.value).filter((value) => value !== '');
  const usable = named.filter((value) => isIP(value) !== 0);
  if (named.length > 0 && usable.length === 0) return null;
  return view.options.bindAddresses ? usable : [];
}

/** What the parts of a Gateway came to. */
interface Findings {
  readonly obstacle: conditions.GatewayObstacle | null;
  readonly listeners: readonly CompiledListener[];
  readonly client: Result<string | null, conditions.ClientCertificateObstacle>;
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

function conditionsOf(view: View, gateway: Gateway, { obstacle, listeners, client }: Findings): DesiredCondition[] {
  const generation = gateway.metadata.generation ?? 0;
  const unresolved = listeners.filter((listener) => !listener.resolved).map((listener) => listener.attachable.name);
  const ignored = ignoredFields(gateway);
  const insecure = insecureValidation(gateway);
  return [
    acceptedCondition(generation, obstacle, listeners),
    programmedCondition(view, gateway, generation, listeners),
    refsCondition(generation, client, unresolved),
    ...(insecure === null ? [] : [conditions.gatewayValidatesInsecurely(generation, insecure)]),
    ...(ignored.length === 0 ? [] : [conditions.unsupportedFields(generation, ignored)]),
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

function programmedCondition(view: View, gateway: Gateway, generation: number, listeners: readonly CompiledListener[]): DesiredCondition {
  const unusable = gateway.spec.addresses.find(({ type, value }) => type === 'IPAddress' && value !== '' && isIP(value) === 0);
  if (unusable !== undefined) {
    return conditions.gatewayNotProgrammed(generation, { reason: 'AddressNotUsable', message: `${unusable.value} is not an IP address` });
  }
  const served = listeners.some((listener) => listener.resource !== null);
  if (served && !lacksAddress(gateway, view.options)) return conditions.gatewayProgrammed(generation, 1, 1);
  if (served) {
    const message = 'the Gateway is served, but no address is known for it: set spec.addresses, or --addresses of the controller';
    return conditions.gatewayNotProgrammed(generation, { reason: 'AddressNotAssigned', message });
  }
  return conditions.gatewayNotProgrammed(generation, { reason: 'Invalid', message: 'no listener can be served' });
}

/** What the Gateway asks for beyond its listeners and Weir leaves undone. */
function ignoredFields(gateway: Gateway): readonly string[] {
  const { allowedListeners, defaultScope } = gateway.spec;
  const fields = { 'spec.allowedListeners': allowedListeners, 'spec.defaultScope': defaultScope };
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([field]) => field);
}
