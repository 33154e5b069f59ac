// Adds the client certificate of a Gateway to the transport of a cluster. Gateways share clusters, so the cluster cannot contain it.
import type { ClientIdentity, Transport, UpstreamTls } from './plan.ts';

const knownTls = new WeakMap<UpstreamTls, WeakMap<ClientIdentity, UpstreamTls>>();
const known = new WeakMap<Transport, WeakMap<ClientIdentity, Transport>>();

/** The transport with that certificate. Equal arguments return the same object, because pools are found by it. */
export function presenting(transport: Transport, identity: ClientIdentity): Transport {
  if (transport.tls === null) return transport;
  let siblings = known.get(transport);
  if (siblings === undefined) known.set(transport, (siblings = new WeakMap()));
  let found = siblings.get(identity);
  if (found === undefined) {
    found = Object.freeze({ ...transport, tls: tlsPresenting(transport.tls, identity) });
    siblings.set(identity, found);
  }
  return found;
}

/** TLS with that certificate. Equal arguments return the same object, because contexts are found by it. */
export function tlsPresenting(tls: UpstreamTls, identity: ClientIdentity): UpstreamTls {
  const siblings = knownTls.get(tls) ?? new WeakMap<ClientIdentity, UpstreamTls>();
  knownTls.set(tls, siblings);
  const found = siblings.get(identity) ?? Object.freeze({ ...tls, identity });
  siblings.set(identity, found);
  return found;
}
