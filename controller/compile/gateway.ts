// The own listeners of Gateways of this controller.
import { claimsAmong, overlappingTls } from './conflicts.ts';
import { gatewayFrameUnit } from './gateway-frame.ts';
import { compileListener, toServe, type CompiledListener } from './listener.ts';
import { splitKey, valueOnly, type UnitKind } from './view.ts';

/** Key: `<namespace>/<name>`. Null if there is no such Gateway, or another controller serves it. */
export const gatewayUnit: UnitKind<readonly CompiledListener[] | null> = {
  name: 'gateway',
  stage: 'holder',
  fallback: () => null,
  compile(view, key) {
    const { namespace, name } = splitKey(key);
    const gateway = view.object('Gateway', namespace, name);
    const frame = view.read(gatewayFrameUnit, key);
    if (gateway === undefined || frame === null) return valueOnly(null);
    const { listeners } = gateway.spec;
    const claims = claimsAmong(listeners);
    const compiled = listeners.map((listener) =>
      compileListener(view, {
        gateway,
        frame,
        listenerSet: null,
        listener,
        conflict: claims.conflictOf(listener),
        overlaps: overlappingTls(listener, listeners).map((other) => other.name),
      }),
    );
    return toServe(compiled);
  },
};
