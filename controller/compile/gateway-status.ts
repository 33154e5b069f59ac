// The status of a Gateway: what its compilation found, and how many routes each listener has.
import { attachedCounter } from './attachment.ts';
import { gatewayUnit } from './gateway.ts';
import { splitKey, valueOnly, type UnitKind } from './view.ts';

/** Key: `<namespace>/<name>`. The root of every Gateway. */
export const gatewayStatusUnit: UnitKind<null> = {
  name: 'gateway-status',
  stage: 'summary',
  compile(view, key) {
    const compiled = view.read(gatewayUnit, key);
    if (compiled === null) return valueOnly(null);
    const { namespace, name } = splitKey(key);
    return {
      ...valueOnly(null),
      status: {
        ref: { kind: 'Gateway', namespace, name },
        uid: view.object('Gateway', namespace, name)?.metadata.uid ?? '',
        type: 'Gateway',
        addresses: compiled.addresses,
        conditions: compiled.conditions,
        listeners: compiled.listeners.map(({ status, attachable }) => ({
          name: status.name,
          attachedRoutes: view.count(attachedCounter(attachable.key)),
          supportedKinds: status.supportedKinds,
          conditions: status.conditions,
        })),
      },
    };
  },
};
