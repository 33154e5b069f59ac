// What routes see of a Gateway or ListenerSet: its listeners, without what changes and does not matter to them.
import { gatewayUnit } from './gateway.ts';
import type { AttachableListener } from './listener.ts';
import { listenerSetUnit } from './listener-set.ts';
import { splitId, valueOnly, type UnitKind } from './view.ts';

/** Key: the id of a Gateway or ListenerSet. Null: it is not ours. */
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
