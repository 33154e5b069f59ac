// The instances in an answer of Consul's `/v1/health/service/:name`.
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { quoted } from '#lib/destination.ts';
import { makeInstance, MAX_INSTANCES, objectOf } from '../instance.ts';
import type { Instance } from '../instance.ts';

/** The usable instances, and the reasons of those that are left out. */
export interface ConsulInstances {
  readonly instances: readonly Instance[];
  readonly leftOut: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** The worst state among the checks of an instance. */
type State = 'passing' | 'warning' | 'critical';

/**
 * Reads an answer. An instance that is critical or in maintenance is absent; one with a warning too, unless `withWarnings`. The error
 * completes "Consul ...": nothing of such an answer is used.
 */
export function instancesIn(answer: unknown, withWarnings: boolean): Result<ConsulInstances> {
  if (!Array.isArray(answer)) return err('answers with JSON that is not a list');
  if (answer.length > MAX_INSTANCES) return err(`reports more than ${MAX_INSTANCES} instances`);
  const entries = (answer as unknown[]).map((each) => objectOf(each) ?? {});
  const parts = entries.flatMap(({ Service, Node, Checks }) => {
    const [service, node] = [objectOf(Service), objectOf(Node)];
    return service === undefined || node === undefined ? [] : [{ service, node, state: stateOf(Checks) }];
  });
  if (parts.length < entries.length) return err('answers with JSON that is not a list of instances');
  const instances: Instance[] = [];
  const leftOut: string[] = [];
  for (const { service, node, state } of parts) {
    if (state === 'critical' || (state === 'warning' && !withWarnings)) continue;
    const made = read(service, node, state);
    if (made.ok) instances.push(made.value);
    else leftOut.push(`${nameOf(service)} ${made.error}`);
  }
  return ok({ instances, leftOut });
}

function read(service: Fields, node: Fields, state: State): Result<Instance> {
  const weights = objectOf(service['Weights']) ?? {};
  const labels = objectOf(service['Meta']) ?? {};
  return makeInstance({
    // An instance without an address has the address of its node.
    address: service['Address'] === '' ? node['Address'] : service['Address'],
    port: service['Port'],
    weight: weights[state === 'warning' ? 'Warning' : 'Passing'] ?? 1,
    zone: objectOf(service['Locality'])?.['Zone'] ?? objectOf(node['Locality'])?.['Zone'] ?? labels['zone'],
    labels,
  });
}

/** Maintenance is a critical check too. A state that is not known counts as critical. */
function stateOf(checks: unknown): State {
  const states = (Array.isArray(checks) ? (checks as unknown[]) : []).map((check) => objectOf(check)?.['Status']);
  if (states.every((state) => state === 'passing')) return 'passing';
  return states.every((state) => state === 'passing' || state === 'warning') ? 'warning' : 'critical';
}

function nameOf(service: Fields): string {
  const id = service['ID'];
  return typeof id === 'string' ? quoted(id) : 'an instance';
}
