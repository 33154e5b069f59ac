// The endpoints of a Backend: its own list, or the answer of a source outside Kubernetes, without addresses that are refused.
import type { Backend } from '#api/k8s/k8s.ts';
import type { Endpoint } from '#api/ir/ir.ts';
import { objectId, refOf } from '#api/k8s/object.ts';
import { plainAddress, refusal, type AddressOrigin, type AddressRules } from './addresses.ts';
import type { View } from './view.ts';

/** The endpoints of a Backend. */
export interface BackendEndpoints {
  /** Null before the source has answered for the first time. */
  readonly endpoints: readonly Endpoint[] | null;
  /** A text for each refused address, with the reason. */
  readonly refused: readonly string[];
}

/** Proxies hold endpoints in memory: a source with more than this is probably broken. */
const MAX_ENDPOINTS = 4_096;

/** The endpoints of a Backend that is valid. */
export function endpointsOfBackend(view: View, backend: Backend): BackendEndpoints {
  const { endpoints: written } = backend.spec;
  if (written !== undefined) {
    const endpoints = written.map(({ ip, ...rest }) => ({ address: ip, draining: false, ...rest }));
    return permitted(endpoints, 'written', view.options);
  }
  // Only operators may register endpoints.
  const origin = backend.spec.registered === undefined ? 'found' : 'written';
  return foundEndpoints(view, objectId(refOf(backend)), origin);
}

/** The answer to the question of an owner. `origin`: whether an operator wrote the addresses down, or a source found them. */
export function foundEndpoints(view: View, owner: string, origin: AddressOrigin = 'found'): BackendEndpoints {
  const answer = view.found(owner)?.endpoints ?? null;
  return answer === null ? { endpoints: null, refused: [] } : permitted(answer, origin, view.options);
}

function permitted(all: readonly Endpoint[], origin: AddressOrigin, rules: AddressRules): BackendEndpoints {
  const endpoints: Endpoint[] = [];
  const refused: string[] = [];
  for (const endpoint of all.slice(0, MAX_ENDPOINTS)) {
    const reason = refusalOf(endpoint, origin, rules);
    if (reason === null) endpoints.push({ ...endpoint, address: plainAddress(endpoint.address) });
    else refused.push(`${endpoint.address} ${reason}`);
  }
  if (all.length > MAX_ENDPOINTS) refused.push(`${all.length - MAX_ENDPOINTS} of ${all.length} endpoints: ${MAX_ENDPOINTS} are allowed`);
  return { endpoints, refused: [...new Set(refused)].sort() };
}

function refusalOf({ address, port }: Endpoint, origin: AddressOrigin, rules: AddressRules): string | null {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `has port ${port}, which is not between 1 and 65535`;
  return refusal({ address, port, origin }, rules);
}
