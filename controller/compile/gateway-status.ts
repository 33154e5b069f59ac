// The status of a Gateway: conditions, listeners with their number of routes, and the number of attached ListenerSets.
import type { Gateway } from '#api/k8s/k8s.ts';
import { insecureValidation } from './client-validation.ts';
import * as conditions from './conditions.ts';
import { fleetUnit } from './fleet.ts';
import { gatewayAddresses, type GatewayAddresses } from './gateway-addresses.ts';
import { gatewayFrameUnit, type GatewayFrame } from './gateway-frame.ts';
import { gatewayUnit } from './gateway.ts';
import type { CompiledListener } from './listener.ts';
import { attachedSetsCounter } from './listener-set.ts';
import { listenerStatuses } from './listener-status.ts';
import { gatewayParameters } from './parameters.ts';
import type { DesiredCondition } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** Key: `<namespace>/<name>`. The root of every Gateway. */
export const gatewayStatusUnit: UnitKind<null> = {
  name: 'gateway-status',
  stage: 'summary',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const gateway = view.object('Gateway', namespace, name);
    const frame = view.read(gatewayFrameUnit, key);
    const listeners = view.read(gatewayUnit, key);
    if (gateway === undefined || frame === null || listeners === null) return valueOnly(null);
    view.read(fleetUnit, key);
    const attachedListenerSets = view.count(attachedSetsCounter(key));
    const reached = frame.obstacle === null ? gatewayAddresses(view, gateway, frame.ownFleet) : NOT_REACHED;
    const found = { frame, listeners, reached, attachedListenerSets };
    return {
      ...valueOnly(null),
      status: {
        ref: { kind: 'Gateway', namespace, name },
        uid: gateway.metadata.uid ?? '',
        type: 'Gateway',
        addresses: reached.addresses,
        conditions: [...conditionsOf(gateway, found), ...ignoredCondition(view, gateway)],
        listeners: listenerStatuses(view, listeners),
        attachedListenerSets,
      },
    };
  },
};

const NOT_REACHED: GatewayAddresses = { addresses: [], obstacle: null };

/** The outcomes of the parts of a Gateway. */
interface Findings {
  readonly frame: GatewayFrame;
  readonly listeners: readonly CompiledListener[];
  readonly reached: GatewayAddresses;
  readonly attachedListenerSets: number;
}

function conditionsOf(gateway: Gateway, found: Findings): DesiredCondition[] {
  const generation = gateway.metadata.generation ?? 0;
  const insecure = insecureValidation(gateway);
  return [
    acceptedCondition(generation, found),
    programmedCondition(generation, found),
    refsCondition(generation, found),
    ...(insecure === null ? [] : [conditions.gatewayValidatesInsecurely(generation, insecure)]),
  ];
}

/** Listeners of ListenerSets count like the Gateway's own: one that can be served is enough. */
function acceptedCondition(generation: number, { frame, listeners, attachedListenerSets }: Findings): DesiredCondition {
  if (frame.obstacle !== null) return conditions.gatewayNotAccepted(generation, frame.obstacle);
  const refused = listeners.filter((listener) => !listener.accepted).map((listener) => listener.attachable.name);
  if (refused.length === 0) return conditions.gatewayAccepted(generation);
  const message = `listeners not accepted: ${refused.join(', ')}`;
  return refused.length < listeners.length || attachedListenerSets > 0
    ? conditions.gatewayPartlyAccepted(generation, message)
    : conditions.gatewayWithoutListeners(generation, message);
}

function programmedCondition(generation: number, { frame, listeners, reached, attachedListenerSets }: Findings): DesiredCondition {
  const { obstacle } = reached;
  const served = listeners.some((listener) => listener.served) || (attachedListenerSets > 0 && frame.addresses !== null);
  if (obstacle?.reason === 'AddressNotUsable' || (served && obstacle !== null))
    return conditions.gatewayNotProgrammed(generation, obstacle);
  if (served) return conditions.programmedBy(generation, 1, 1);
  return conditions.gatewayNotProgrammed(generation, { reason: 'Invalid', message: 'no listener can be served' });
}

function refsCondition(generation: number, { frame: { client, redisProblem }, listeners }: Findings): DesiredCondition {
  if (client.obstacle !== null) return conditions.gatewayRefInvalid(generation, client.obstacle);
  if (redisProblem !== null) return conditions.gatewayRefInvalid(generation, { reason: 'InvalidRedisRef', message: redisProblem });
  const unresolved = listeners.filter((listener) => !listener.resolved).map((listener) => listener.attachable.name);
  if (unresolved.length === 0) return conditions.gatewayRefsResolved(generation);
  return conditions.gatewayRefsNotResolved(generation, `listeners with unresolved references: ${unresolved.join(', ')}`);
}

/** Fields of the Gateway that Weir ignores, apart from its listeners. */
function ignoredCondition(view: View, gateway: Gateway): DesiredCondition[] {
  const parameters = gatewayParameters(view, gateway);
  const { defaultScope, infrastructure } = gateway.spec;
  // For a Gateway with shared proxies no objects are created.
  const isShared = parameters.ok && parameters.value.mode === 'Shared';
  const { labels, annotations } = infrastructure ?? {};
  const unmade = isShared ? { 'spec.infrastructure.labels': labels, 'spec.infrastructure.annotations': annotations } : {};
  const settings = isShared ? Object.keys(parameters.value.spec).filter((name) => name !== 'fleet' && name !== 'acme') : [];
  const ignored = Object.entries({ 'spec.defaultScope': defaultScope, ...unmade }).filter(([, value]) => value !== undefined);
  const names = [...ignored.map(([field]) => field), ...settings.map((name) => `${name} of its GatewayParameters (fleet: Shared)`)];
  return names.length === 0 ? [] : [conditions.unsupportedFields(gateway.metadata.generation ?? 0, names)];
}
