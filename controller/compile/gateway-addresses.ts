// The addresses of a Gateway: those it asks for, or those of the proxies, as its status tells them.
import { isIP } from 'node:net';
import type { Gateway } from '#api/k8s/k8s.ts';
import type { StatusAddress } from './result.ts';
import type { CompileOptions } from './view.ts';

/** Gateway.status.addresses. Empty: nobody can reach it, as far as Weir knows. */
export function statusAddresses(gateway: Gateway, options: CompileOptions): readonly StatusAddress[] {
  const asked = gateway.spec.addresses.map(({ value }) => value).filter((value) => isIP(value) !== 0);
  // An address without value asks for any: that is what a Gateway without addresses gets too.
  return (asked.length > 0 ? asked : (options.addresses ?? [])).map((value) => ({
    type: isIP(value) === 0 ? 'Hostname' : 'IPAddress',
    value,
  }));
}

/** True when clients have no address to go to, and somebody should know one. */
export function lacksAddress(gateway: Gateway, options: CompileOptions): boolean {
  return options.addresses !== null && statusAddresses(gateway, options).length === 0;
}
