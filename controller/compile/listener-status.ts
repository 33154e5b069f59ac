// The statuses of listeners with the number of attached routes.
import { attachedCounter } from './attachment.ts';
import type { CompiledListener } from './listener.ts';
import type { ListenerStatus } from './result.ts';
import type { View } from './view.ts';

/** In the order of the spec. */
export function listenerStatuses(view: View, listeners: readonly CompiledListener[]): ListenerStatus[] {
  return listeners.map(({ status, attachable }) => ({
    key: attachable.key,
    name: status.name,
    attachedRoutes: view.count(attachedCounter(attachable.key)),
    supportedKinds: status.supportedKinds,
    conditions: status.conditions,
  }));
}
