// Names of routes, rules, Gateways and endpoints from their keys, for the access log.
import { joinAddress } from '#lib/host-port.ts';
import type { UpstreamEndpoint } from '../../exchange/plan.ts';

/** `<namespace>/<name>` of the route with a key `<kind>/<namespace>/<name>/<rule>`. */
export function routeNameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1, key.lastIndexOf('/'));
}

/** The rule of a route key. */
export function ruleOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

/** Writes endpoints as URLs do. Keeps the text of the last endpoint. */
export function endpointReader(): (endpoint: UpstreamEndpoint | null) => string | null {
  let last: UpstreamEndpoint | null = null;
  let written = '';
  return (endpoint) => {
    if (endpoint === null) return null;
    if (endpoint !== last) {
      const { address, port } = endpoint;
      last = endpoint;
      written = joinAddress(address, port);
    }
    return written;
  };
}
