// The ways to speak to endpoints that are in use: one object for each, so that an endpoint finds its pool by identity.
import type { Transport } from '../exchange/plan.ts';

const known = new Map<string, Transport>();

/** The object that stands for these settings. */
export function transportOf(settings: Transport): Transport {
  const id = JSON.stringify(settings);
  let transport = known.get(id);
  if (transport === undefined) {
    transport = Object.freeze({ ...settings });
    known.set(id, transport);
  }
  return transport;
}
