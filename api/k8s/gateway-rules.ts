// The rules of the Gateway CRD that a schema cannot state (CEL there), for Gateways that come from files.
import { isIP } from 'node:net';
import { repeated } from './duplicates.ts';
import type { FieldError } from './field-error.ts';
import type { Gateway, GatewayAddress, Listener } from './gateway.ts';

const WITHOUT_TLS: ReadonlySet<string> = new Set(['HTTP', 'TCP', 'UDP']);
const WITHOUT_HOSTNAME: ReadonlySet<string> = new Set(['TCP', 'UDP']);

/** Every rule the Gateway breaks. */
export function checkGateway(gateway: Gateway): FieldError[] {
  const { listeners, addresses, tls } = gateway.spec;
  const perPort = tls?.frontend?.perPort ?? [];
  return [
    ...listeners.flatMap((listener, i) => checkListener(listener, `spec.listeners[${i}]`)),
    ...addresses.flatMap((address, i) => checkAddress(address, `spec.addresses[${i}].value`)),
    ...repeated(listeners.map((listener) => listener.name)).map((i) => ({
      field: `spec.listeners[${i}].name`,
      reason: 'is the name of another listener of this Gateway',
    })),
    ...repeated(listeners.map((listener) => `${listener.port} ${listener.protocol} ${listener.hostname}`)).map((i) => ({
      field: `spec.listeners[${i}]`,
      reason: 'has the port, protocol and hostname of another listener',
    })),
    ...repeated(addresses.map((address, i) => (address.value === '' ? `#${i}` : `${address.type} ${address.value}`))).map((i) => ({
      field: `spec.addresses[${i}]`,
      reason: 'is listed twice',
    })),
    ...repeated(perPort.map(({ port }) => String(port))).map((i) => ({
      field: `spec.tls.frontend.perPort[${i}].port`,
      reason: 'is listed twice',
    })),
  ];
}

const HOSTNAME = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** An empty value asks for any address of the type. */
function checkAddress({ type, value }: GatewayAddress, field: string): FieldError[] {
  if (value === '') return [];
  if (type === 'IPAddress') return isIP(value) === 0 ? [{ field, reason: 'must be an IP address' }] : [];
  return type !== 'Hostname' || HOSTNAME.test(value) ? [] : [{ field, reason: 'must be a host name' }];
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
