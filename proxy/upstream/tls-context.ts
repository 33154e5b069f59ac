// The OpenSSL contexts of connections to endpoints: the trusted authorities, the presented certificate and the settings of TLS.
import tls from 'node:tls';
import type { UpstreamTls } from '../exchange/plan.ts';

const contexts = new WeakMap<UpstreamTls, tls.SecureContext | null>();

/** Created once per object; null if there is no trusted authority, or OpenSSL refuses part of it. */
export function contextOf(settings: UpstreamTls): tls.SecureContext | null {
  let context = contexts.get(settings);
  if (context === undefined) contexts.set(settings, (context = createContext(settings)));
  return context;
}

function createContext({ authorities, identity, settings }: UpstreamTls): tls.SecureContext | null {
  if (authorities === '') return null;
  try {
    return tls.createSecureContext({
      ...settings,
      ...(authorities === null ? {} : { ca: authorities, allowPartialTrustChain: true }),
      ...(identity === null ? {} : { cert: identity.chain, key: identity.privateKey }),
    });
  } catch {
    return null;
  }
}
