// A transport that presents a client certificate: of the Gateway that a request or connection came to, while clusters are everybody's.
import type { ClientIdentity, Transport } from './plan.ts';

const known = new WeakMap<Transport, WeakMap<ClientIdentity, Transport>>();

/** The transport with that identity: the same object each time, so that it finds its pool. */
export function presenting(transport: Transport, identity: ClientIdentity): Transport {
  if (transport.tls === null) return transport;
  let siblings = known.get(transport);
  if (siblings === undefined) known.set(transport, (siblings = new WeakMap()));
  let found = siblings.get(identity);
  if (found === undefined) {
    found = Object.freeze({ ...transport, tls: Object.freeze({ ...transport.tls, identity }) });
    siblings.set(identity, found);
  }
  return found;
}
