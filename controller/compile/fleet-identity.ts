// Who the proxies of a fleet are by their certificate (the URI in it), and which Gateway that lets them serve.

/** The identity of the proxies that serve every Gateway without proxies of its own, where Weir issues their certificate. */
export const SHARED_IDENTITY = 'spiffe://weir/shared';

const PREFIX = 'spiffe://weir/ns/';
const MIDDLE = '/gateway/';

/** `spiffe://weir/ns/<namespace>/gateway/<name>` of a Gateway `<namespace>/<name>`. */
export function fleetIdentity(gateway: string): string {
  const slash = gateway.indexOf('/');
  return `${PREFIX}${gateway.slice(0, slash)}${MIDDLE}${gateway.slice(slash + 1)}`;
}

/** The Gateway `<namespace>/<name>` whose fleet has this identity; null for proxies that serve all that share them. */
export function gatewayOfIdentity(identity: string): string | null {
  if (!identity.startsWith(PREFIX)) return null;
  const [namespace, kind, name, ...others] = identity.slice(PREFIX.length).split('/');
  if (kind !== 'gateway' || namespace === undefined || name === undefined || others.length > 0) return null;
  return `${namespace}/${name}`;
}
