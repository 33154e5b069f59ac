// The source `registered`: the endpoints of a Backend that are registered at a controller, from its store.
import { once } from 'node:events';
import type { Endpoint } from '#api/ir/ir.ts';
import type { RegisteredSettings } from '#api/k8s/backend-source/registered.ts';
import type { Registration } from '../store/registration.ts';
import type { Registrations } from '../store/registrations.ts';
import type { EndpointSource } from './source.ts';

/** The prefix of the owners of questions: only Backends have the source. */
const OWNER = 'Backend/';

/** The source over the registrations of this program. */
export function registeredEndpoints(registrations: Registrations): EndpointSource<RegisteredSettings> {
  return {
    name: 'registered',
    async follow({ owner, signal, found, troubled }) {
      const end = registrations.follow(owner.slice(OWNER.length), {
        found: (all) => found(all.map(endpointOf)),
        troubled: (message) => troubled({ reason: 'StoreUnavailable', message }),
      });
      if (!signal.aborted) await once(signal, 'abort');
      end();
      return null;
    },
  };
}

function endpointOf({ address, port, attributes }: Registration): Endpoint {
  return { address, port, draining: false, ...attributes };
}
