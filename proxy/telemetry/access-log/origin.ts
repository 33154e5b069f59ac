// Names that the access log takes out of keys: of routes, rules, Gateways and endpoints.
import type { UpstreamEndpoint } from '../../exchange/plan.ts';

/** `<namespace>/<name>` of the route with a key `<kind>/<namespace>/<name>/<rule>`. */
export function routeNameOf(key: string): string {
  return key.slice(key.indexOf('/') + 1, key.lastIndexOf('/'));
}

/** The rule of such a key. */
export function ruleOf(key: string): number {
  return Number(key.slice(key.lastIndexOf('/') + 1));
}

/** Writes endpoints as URLs do. The last one is remembered. */
export function endpointReader(): (endpoint: UpstreamEndpoint | null) => string | null {
  let last: UpstreamEndpoint | null = null;
  let written = '';
  return (endpoint) => {
    if (endpoint === null) return null;
    if (endpoint !== last) {
      const { address, port } = endpoint;
      last = endpoint;
      written = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
    }
    return written;
  };
}
