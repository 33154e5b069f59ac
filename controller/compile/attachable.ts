// The listeners of a Gateway or ListenerSet as routes need them, without fields whose changes do not affect routes.
import { gatewayUnit } from './gateway.ts';
import type { AttachableListener } from './listener.ts';
import { listenerSetUnit } from './listener-set.ts';
import { splitId, valueOnly, type UnitKind } from './view.ts';

/** Key: the id of a Gateway or ListenerSet. Null if it belongs to another controller. */
export const attachableUnit: UnitKind<readonly AttachableListener[] | null> = {
  name: 'attachable',
  stage: 'attachable',
  fallback: () => null,
  compile(view, id) {
    const { kind, namespace, name } = splitId(id);
    const key = `${namespace}/${name}`;
    if (kind === 'ListenerSet') return valueOnly(view.read(listenerSetUnit, key)?.attachable ?? null);
    return valueOnly(view.read(gatewayUnit, key)?.map((listener) => listener.attachable) ?? null);
  },
};
