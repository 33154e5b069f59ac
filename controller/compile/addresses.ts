// Checks which IP addresses may be endpoints.
import { BlockList, isIP } from 'node:net';

// In a proxy's pod these addresses lead to the pod itself or to the metadata service of its node, not to a backend.
const LOCAL = new BlockList();
LOCAL.addSubnet('0.0.0.0', 8, 'ipv4');
LOCAL.addSubnet('127.0.0.0', 8, 'ipv4');
LOCAL.addSubnet('169.254.0.0', 16, 'ipv4');
LOCAL.addAddress('::', 'ipv6');
LOCAL.addAddress('::1', 'ipv6');
LOCAL.addSubnet('fe80::', 10, 'ipv6');

// No server listens at such an address.
const NOT_UNICAST = new BlockList();
NOT_UNICAST.addSubnet('224.0.0.0', 4, 'ipv4');
NOT_UNICAST.addAddress('255.255.255.255', 'ipv4');
NOT_UNICAST.addSubnet('ff00::', 8, 'ipv6');

/** Why an address cannot be an endpoint; null if it can. `allowLoopback` permits loopback and link-local addresses. */
export function refusal(address: string, allowLoopback: boolean): string | null {
  const version = isIP(address);
  if (version === 0) return 'is not an IP address';
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (NOT_UNICAST.check(address, family)) return 'is a multicast or broadcast address';
  if (!allowLoopback && LOCAL.check(address, family)) return 'is a loopback or link-local address';
  return null;
}
