// The status of a ListenerSet: conditions, and listeners with their number of routes.
import * as conditions from './conditions.ts';
import { gatewayAddresses } from './gateway-addresses.ts';
import { gatewayFrameUnit } from './gateway-frame.ts';
import { listenerSetUnit, type CompiledListenerSet } from './listener-set.ts';
import { listenerStatuses } from './listener-status.ts';
import type { DesiredCondition } from './result.ts';
import { splitKey, valueOnly, type UnitKind, type View } from './view.ts';

/** Key: `<namespace>/<name>`. The root of every ListenerSet. */
export const listenerSetStatusUnit: UnitKind<null> = {
  name: 'listener-set-status',
  stage: 'summary',
  fallback: () => null,
  compile(view, key) {
    const compiled = view.read(listenerSetUnit, key);
    if (compiled === null) return valueOnly(null);
    const { namespace, name } = splitKey(key);
    const { uid = '', generation = 0 } = view.object('ListenerSet', namespace, name)?.metadata ?? {};
    return {
      ...valueOnly(null),
      status: {
        ref: { kind: 'ListenerSet', namespace, name },
        uid,
        type: 'ListenerSet',
        conditions: [acceptedCondition(generation, compiled), programmedCondition(view, generation, compiled)],
        listeners: listenerStatuses(view, compiled.listeners),
      },
    };
  },
};

function acceptedCondition(generation: number, { obstacle, listeners }: CompiledListenerSet): DesiredCondition {
  if (obstacle !== null) return conditions.listenerSetNotAccepted(generation, obstacle);
  const invalid = listeners.filter((listener) => !listener.valid).map((listener) => listener.attachable.name);
  if (invalid.length === 0) return conditions.listenerSetAccepted(generation);
  const message = `listeners that cannot be served: ${invalid.join(', ')}`;
  return invalid.length < listeners.length
    ? conditions.listenerSetPartlyAccepted(generation, message)
    : conditions.listenerSetNotAccepted(generation, { reason: 'ListenersNotValid', message });
}

function programmedCondition(view: View, generation: number, { gateway: key, obstacle, listeners }: CompiledListenerSet): DesiredCondition {
  if (obstacle !== null) return conditions.listenerSetNotProgrammed(generation, obstacle);
  if (!listeners.some((listener) => listener.valid)) {
    return conditions.listenerSetNotProgrammed(generation, { reason: 'ListenersNotValid', message: 'no listener can be served' });
  }
  const trouble = troubleOf(view, key);
  return trouble === null
    ? conditions.programmedBy(generation, 1, 1)
    : conditions.listenerSetNotProgrammed(generation, { reason: 'ParentNotProgrammed', message: `Gateway/${key}: ${trouble}` });
}

/** Why clients cannot connect to the Gateway. */
function troubleOf(view: View, key: string): string | null {
  const { namespace, name } = splitKey(key);
  const gateway = view.object('Gateway', namespace, name);
  const frame = view.read(gatewayFrameUnit, key);
  return gateway === undefined || frame === null ? null : (gatewayAddresses(view, gateway, frame.ownFleet).obstacle?.message ?? null);
}
