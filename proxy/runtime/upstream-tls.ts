// TLS to endpoints, with the references of the IR resolved. Without a usable authority connections fail; they are never made without TLS.
import type * as ir from '#api/ir/ir.ts';
import type { ClientIdentity, UpstreamTls } from '../exchange/plan.ts';
import { lackOf } from './pairs.ts';
import { contextOptions } from '../listener/tls-settings.ts';

/** Null: without TLS. */
export function resolveTls(tls: ir.UpstreamTls | undefined, bundles: ReadonlyMap<string, ir.TrustBundle>): UpstreamTls | null {
  if (tls === undefined) return null;
  const { serverName, subjectAltNames, authorities, settings = {} } = tls;
  const trusted = authorities === 'System' ? null : authorities.map((key) => bundles.get(key)?.certificates ?? '').join('');
  return { serverName, subjectAltNames, authorities: trusted, identity: null, settings: contextOptions(settings) };
}

/** By the Secret object: an unchanged one stays the same identity and keeps its connections. */
const identities = new WeakMap<ir.Secret, ClientIdentity>();

/** The client certificate of each listener's requests, by key of the listener. */
export function clientIdentities(
  listeners: Iterable<ir.Listener>,
  secrets: ReadonlyMap<string, ir.Secret>,
): ReadonlyMap<string, ClientIdentity> {
  const found = new Map<string, ClientIdentity>();
  for (const { key, clientCertificate } of listeners) {
    const identity = clientCertificate === undefined ? null : identityIn(secrets, clientCertificate);
    if (identity !== null) found.set(key, identity);
  }
  return found;
}

/** The client certificate in a Secret (key); null if it has none. */
export function identityIn(secrets: ReadonlyMap<string, ir.Secret>, key: string): ClientIdentity | null {
  const secret = secrets.get(key);
  return secret === undefined || lackOf(secret) !== null ? null : identityOf(secret);
}

function identityOf(secret: ir.Secret): ClientIdentity {
  let identity = identities.get(secret);
  if (identity === undefined)
    identities.set(secret, (identity = Object.freeze({ chain: secret.certificate, privateKey: secret.privateKey })));
  return identity;
}
