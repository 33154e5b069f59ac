// The troubles of backends that operators must hear of, from the states that proxies report and the endpoints of the configuration.
import type { EncodedResource, Endpoints } from '#api/ir/ir.ts';
import { joinAddress } from '#lib/host-port.ts';
import type { ProxyStates } from './proxy-states.ts';

/** A trouble: some endpoints are ejected, breakers are open, or no endpoint is healthy. */
export const TROUBLES = ['ejected', 'open', 'unhealthy'] as const;
export type Trouble = (typeof TROUBLES)[number];

/** A trouble of a backend. */
export interface BackendTrouble {
  readonly backend: string;
  readonly trouble: Trouble;
  /** The endpoints with the trouble; '' stands for the backend itself. */
  readonly endpoints: ReadonlySet<string>;
  /** The number of all its endpoints. */
  readonly total: number;
  /** The proxies that see it. */
  readonly proxies: ReadonlySet<string>;
}

interface Draft extends BackendTrouble {
  readonly endpoints: Set<string>;
  readonly proxies: Set<string>;
}

/** The names of all endpoints of a backend, and of those that do not drain. */
interface Members {
  readonly names: readonly string[];
  readonly lasting: readonly string[];
}

/** Reads resources once: they are replaced, never changed. */
const MEMBERS = new WeakMap<EncodedResource, Members>();

/** The troubles of all backends that exist. */
export function troublesOf(states: readonly ProxyStates[], resources: Iterable<EncodedResource>): readonly BackendTrouble[] {
  if (states.every(({ endpoints, breakers }) => isEmpty(endpoints) && isEmpty(breakers))) return [];
  const affected = new Set(states.flatMap(({ endpoints }) => Object.keys(endpoints)));
  const troubles: Draft[] = [];
  for (const resource of resources) {
    if (resource.kind !== 'Endpoints') continue;
    const members = membersOf(resource);
    const isAffected = members.names.some((name) => affected.has(name));
    troubles.push(...troublesOfBackend(resource.key, members, isAffected, states));
  }
  return troubles;
}

function troublesOfBackend(backend: string, members: Members, isAffected: boolean, states: readonly ProxyStates[]): readonly Draft[] {
  const drafts = new Map<Trouble, Draft>();
  const note = (trouble: Trouble, proxy: string, endpoint: string): void => {
    const draft = drafts.get(trouble) ?? { backend, trouble, endpoints: new Set(), proxies: new Set(), total: members.names.length };
    drafts.set(trouble, draft);
    draft.endpoints.add(endpoint);
    draft.proxies.add(proxy);
  };
  for (const { proxy, endpoints, breakers } of states) {
    if (isTripped(breakers[backend])) note('open', proxy, '');
    if (!isAffected) continue;
    for (const name of members.names) for (const trouble of troublesIn(endpoints[name])) note(trouble, proxy, name);
    if (lacksHealthy(members, endpoints)) note('unhealthy', proxy, '');
  }
  return [...drafts.values()];
}

function troublesIn(reasons: readonly string[] = []): readonly Trouble[] {
  return reasons.filter((reason) => reason === 'ejected' || reason === 'open');
}

/** A breaker that lets requests pass on trial has not closed yet. An operator knows of a breaker that is forced. */
function isTripped(state: string | undefined): boolean {
  return state === 'open' || state === 'half-open';
}

/** Endpoints that drain or that an operator forces out are not expected to be healthy. */
function lacksHealthy({ lasting }: Members, states: ProxyStates['endpoints']): boolean {
  const expected = lasting.filter((name) => states[name]?.includes('forcedOut') !== true);
  return expected.length > 0 && expected.every((name) => (states[name] ?? []).some((reason) => reason !== 'forcedIn'));
}

function membersOf(resource: EncodedResource): Members {
  const known = MEMBERS.get(resource);
  if (known !== undefined) return known;
  const { endpoints } = JSON.parse(resource.body.toString()) as Endpoints;
  const nameOf = ({ address, port }: Endpoints['endpoints'][number]) => joinAddress(address, port);
  const read = { names: endpoints.map(nameOf), lasting: endpoints.filter(({ draining }) => !draining).map(nameOf) };
  MEMBERS.set(resource, read);
  return read;
}

function isEmpty(record: object): boolean {
  for (const _ in record) return false;
  return true;
}
