// The transports in use: one object for each, so that an endpoint finds its pool by identity.
import { contentHash } from '#lib/hash.ts';
import type { Transport, UpstreamTls } from '../exchange/plan.ts';

/** By a hash, because transports contain keys; unused ones are garbage-collected. */
const known = new Map<string, WeakRef<Transport>>();

/** The object for these settings. */
export function transportOf(settings: Transport): Transport {
  const id = contentHash(JSON.stringify(settings));
  const found = known.get(id)?.deref();
  if (found !== undefined) return found;
  for (const [other, transport] of known) if (transport.deref() === undefined) known.delete(other);
  const transport = Object.freeze({ ...settings, tls: settings.tls === null ? null : Object.freeze<UpstreamTls>({ ...settings.tls }) });
  known.set(id, new WeakRef(transport));
  return transport;
}
