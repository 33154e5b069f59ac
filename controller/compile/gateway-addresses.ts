// The addresses of a Gateway: the requested ones, those of the shared proxies or their Service, or those of its own Service.
import { isIP } from 'node:net';
import type { Gateway } from '#api/k8s/k8s.ts';
import { canonicalAddress } from '#lib/ip-address.ts';
import type { Obstacle } from './conditions.ts';
import { poolObstacle, serviceAddresses } from './fleet.ts';
import { fleetName } from './fleet-name.ts';
import type { StatusAddress } from './result.ts';
import { splitKey, type View } from './view.ts';

/** Gateway.status.addresses, and why clients cannot connect there. */
export interface GatewayAddresses {
  /** Empty if Weir knows no address. */
  readonly addresses: readonly StatusAddress[];
  readonly obstacle: Obstacle<'AddressNotUsable' | 'AddressNotAssigned'> | null;
}

/** The addresses of a Gateway. `ownFleet`: it has dedicated proxies behind a Service. */
export function gatewayAddresses(view: View, gateway: Gateway, ownFleet: boolean): GatewayAddresses {
  const asked = gateway.spec.addresses.map(({ value }) => value).filter((value) => value !== '');
  const usable = asked.filter((value) => isIP(value) !== 0);
  const found = ownFleet ? ofService(view, gateway, usable) : ofProxies(view, usable);
  const strange = gateway.spec.addresses.find(({ type, value }) => type === 'IPAddress' && value !== '' && isIP(value) === 0);
  if (strange === undefined) return found;
  return { ...found, obstacle: { reason: 'AddressNotUsable', message: `${strange.value} is not an IP address` } };
}

/** An address without value requests any address, as does a Gateway without addresses. */
function ofProxies(view: View, asked: readonly string[]): GatewayAddresses {
  const { addresses: given, proxyService } = view.options;
  const values = asked.length > 0 ? asked : (given ?? []);
  const fixed = values.map((value): StatusAddress => ({ type: isIP(value) === 0 ? 'Hostname' : 'IPAddress', value }));
  const { namespace, name } = splitKey(proxyService);
  const addresses = fixed.length > 0 || proxyService === '' ? fixed : serviceAddresses(view, namespace, name);
  if (given === null || addresses.length > 0) return { addresses, obstacle: null };
  const remedy = proxyService === '' ? 'set spec.addresses, or --addresses of the controller' : `Service/${proxyService} has none yet`;
  const message = `the Gateway is served, but no address is known for it: ${remedy}`;
  return { addresses, obstacle: { reason: 'AddressNotAssigned', message } };
}

function ofService(view: View, gateway: Gateway, asked: readonly string[]): GatewayAddresses {
  const [namespace, name] = [gateway.metadata.namespace ?? '', fleetName(gateway.metadata.name)];
  const addresses = serviceAddresses(view, namespace, name);
  const service = `Service/${namespace}/${name}`;
  const why = poolObstacle(view, namespace, name);
  const missing = asked.filter((value) => !addresses.some((address) => address.value === canonicalAddress(value)));
  if (addresses.length === 0 && (missing.length === 0 || why?.reason !== 'AddressNotUsable')) {
    const message = why === null ? `${service} has no address yet` : `${service}: ${why.message}`;
    return { addresses, obstacle: { reason: 'AddressNotAssigned', message } };
  }
  if (missing.length === 0) return { addresses, obstacle: null };
  const has = addresses.map(({ value }) => value).join(', ');
  const message = why === null ? `${service} has the addresses ${has}, but not ${missing.join(', ')}` : `${service}: ${why.message}`;
  return { addresses, obstacle: { reason: 'AddressNotUsable', message } };
}
