// The identities in certificates of clients: their URI. That of a proxy decides which scope it may read; that of the admin program reads
// none, and runs operations instead.
import { err, ok, type Result } from '#lib/result.ts';
import { SHARED } from './fleet-scopes.ts';

/** The identity of the shared proxies, if Weir issues their certificate. */
export const SHARED_IDENTITY = 'spiffe://weir/shared';

/** The identity of the admin program. */
export const ADMIN_IDENTITY = 'spiffe://weir/admin';

/** The trust domain of the URIs that Weir issues. It applies to certificates of any issuer. */
const TRUST_DOMAIN = /^spiffe:\/\/weir(\/|$)/i;
const PREFIX = 'spiffe://weir/';
/** Kubernetes names, in lower case. A namespace contains no dots. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** A SPIFFE path segment: without escapes, not empty, not `.` or `..`. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/;

/** `spiffe://weir/ns/<namespace>/gateway/<name>` of a Gateway `<namespace>/<name>`. */
export function fleetIdentity(gateway: string): string {
  const slash = gateway.indexOf('/');
  return `${PREFIX}ns/${gateway.slice(0, slash)}/gateway/${gateway.slice(slash + 1)}`;
}

/**
 * The scope of a verified identity (null: without TLS, on loopback): its Gateway `<namespace>/<name>`, or SHARED for an identity without a
 * Gateway. A malformed Gateway in the trust domain of Weir is an error, not SHARED, and so is the admin program.
 */
export function scopeOfIdentity(identity: string | null): Result<string> {
  if (identity === null || !TRUST_DOMAIN.test(identity)) return ok(SHARED);
  const segments = identity.startsWith(PREFIX) ? identity.slice(PREFIX.length).split('/') : [''];
  if (segments[0]?.toLowerCase() === 'admin') return err(`${JSON.stringify(identity)} is the admin program, which reads no configuration`);
  const isOfNoGateway = segments.every((segment) => SEGMENT.test(segment) && segment.toLowerCase() !== 'gateway');
  if (isOfNoGateway) return ok(SHARED);
  const gateway = gatewayOf(segments);
  return gateway === null ? err(`${JSON.stringify(identity)} must have the form spiffe://weir/ns/NAMESPACE/gateway/NAME`) : ok(gateway);
}

function gatewayOf([ns, namespace = '', kind, name = '', ...others]: readonly string[]): string | null {
  const isForm = ns === 'ns' && kind === 'gateway' && others.length === 0;
  return isForm && NAMESPACE.test(namespace) && NAME.test(name) ? `${namespace}/${name}` : null;
}
