// Rules of listeners that a schema cannot express (CEL in the CRDs), for Gateways and ListenerSets from files.
import { repeated } from './duplicates.ts';
import type { FieldError } from './field-error.ts';
import type { Listener } from './gateway.ts';
import type { ListenerSet } from './listener-set.ts';

const WITHOUT_TLS: ReadonlySet<string> = new Set(['HTTP', 'TCP', 'UDP']);
const WITHOUT_HOSTNAME: ReadonlySet<string> = new Set(['TCP', 'UDP']);

/** The rules that a ListenerSet violates. */
export function checkListenerSet({ spec }: ListenerSet): FieldError[] {
  return checkListeners(spec.listeners);
}

/** The rules that the listeners of one object violate. */
export function checkListeners(listeners: readonly Listener[]): FieldError[] {
  return [
    ...listeners.flatMap((listener, i) => checkListener(listener, `spec.listeners[${i}]`)),
    ...repeated(listeners.map((listener) => listener.name)).map((i) => ({
      field: `spec.listeners[${i}].name`,
      reason: 'is the name of another listener of this object',
    })),
    ...repeated(listeners.map((listener) => `${listener.port} ${listener.protocol} ${listener.hostname}`)).map((i) => ({
      field: `spec.listeners[${i}]`,
      reason: 'has the port, protocol and hostname of another listener',
    })),
  ];
}

/** The rules of one listener; `field` is its path. */
function checkListener(listener: Listener, field: string): FieldError[] {
  const { protocol, hostname } = listener;
  const errors = checkTls(listener, `${field}.tls`);
  if (hostname === '' || !WITHOUT_HOSTNAME.has(protocol)) return errors;
  return [...errors, { field: `${field}.hostname`, reason: `must not be set for protocol ${protocol}` }];
}

function checkTls({ protocol, tls }: Listener, field: string): FieldError[] {
  if (tls === undefined) return protocol === 'TLS' ? [{ field, reason: 'is required for protocol TLS' }] : [];
  if (WITHOUT_TLS.has(protocol)) return [{ field, reason: `must not be set for protocol ${protocol}` }];
  if (tls.mode === 'Passthrough') {
    return protocol === 'HTTPS' ? [{ field: `${field}.mode`, reason: 'must be Terminate for protocol HTTPS' }] : [];
  }
  const hasKeys = tls.certificateRefs.length > 0 || Object.keys(tls.options).length > 0;
  return hasKeys ? [] : [{ field: `${field}.certificateRefs`, reason: 'must not be empty when mode is Terminate' }];
}
