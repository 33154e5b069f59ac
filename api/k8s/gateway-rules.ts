// Rules of the Gateway CRD that a schema cannot express (CEL there), for Gateways from files.
import { isIP } from 'node:net';
import { repeated } from './duplicates.ts';
import type { FieldError } from './field-error.ts';
import type { Gateway, GatewayAddress } from './gateway.ts';
import { checkListeners } from './listener-rules.ts';

/** The rules that a Gateway violates. */
export function checkGateway(gateway: Gateway): FieldError[] {
  const { listeners, addresses, tls } = gateway.spec;
  const perPort = tls?.frontend?.perPort ?? [];
  return [
    ...checkListeners(listeners),
    ...addresses.flatMap((address, i) => checkAddress(address, `spec.addresses[${i}].value`)),
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

/** An empty value requests any address of the type. */
function checkAddress({ type, value }: GatewayAddress, field: string): FieldError[] {
  if (value === '') return [];
  if (type === 'IPAddress') return isIP(value) === 0 ? [{ field, reason: 'must be an IP address' }] : [];
  return type !== 'Hostname' || HOSTNAME.test(value) ? [] : [{ field, reason: 'must be a host name' }];
}
