// Who the proxies of a fleet are by their certificate (the URI in it), and what that lets them read.
import { err, ok, type Result } from '#lib/result.ts';
import { SHARED } from './fleet-scopes.ts';

/** The identity of the proxies that serve every Gateway without proxies of its own, where Weir issues their certificate. */
export const SHARED_IDENTITY = 'spiffe://weir/shared';

/** The trust domain of URIs that Weir issues, whoever else signs certificates for proxies. */
const TRUST_DOMAIN = /^spiffe:\/\/weir(\/|$)/i;
const PREFIX = 'spiffe://weir/';
/** Names of Kubernetes in lower case: a namespace has no dots. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** A path segment as SPIFFE has it: nothing encoded, none that is empty, `.` or `..`. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;

/** `spiffe://weir/ns/<namespace>/gateway/<name>` of a Gateway `<namespace>/<name>`. */
export function fleetIdentity(gateway: string): string {
  const slash = gateway.indexOf('/');
  return `${PREFIX}ns/${gateway.slice(0, slash)}/gateway/${gateway.slice(slash + 1)}`;
}

/**
 * The scope of a verified identity (null: nobody is asked, on loopback): its Gateway `<namespace>/<name>`, or SHARED for every
 * identity that names none. One in Weir's own trust domain that almost names a Gateway is an error rather than SHARED.
 */
export function scopeOfIdentity(identity: string | null): Result<string> {
  if (identity === null || !TRUST_DOMAIN.test(identity)) return ok(SHARED);
  const segments = identity.startsWith(PREFIX) ? identity.slice(PREFIX.length).split('/') : [''];
  const isOfNoGateway = segments.every((segment) => SEGMENT.test(segment) && segment.toLowerCase() !== 'gateway');
  if (isOfNoGateway) return ok(SHARED);
  const gateway = gatewayOf(segments);
  return gateway === null ? err(`${JSON.stringify(identity)} almost names a Gateway, but not as Weir does`) : ok(gateway);
}

function gatewayOf([ns, namespace = '', kind, name = '', ...others]: readonly string[]): string | null {
  const isForm = ns === 'ns' && kind === 'gateway' && others.length === 0;
  return isForm && NAMESPACE.test(namespace) && NAME.test(name) ? `${namespace}/${name}` : null;
}
