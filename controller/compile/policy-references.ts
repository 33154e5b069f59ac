// The references of a policy, of any kind: whether they are permitted, exist and have the entry or the port, and their form for proxies.
import { consumersName, resourceId, type PolicyProblem } from '#api/ir/ir.ts';
import { FILES_ANNOTATION } from '#api/k8s/config-map-files.ts';
import type { BackendObjectReference } from '#api/k8s/k8s.ts';
import type { DataObjectReference, EntryContent, NamedObject, ReferenceType } from '#api/k8s/policy-reference.ts';
import { groupOf } from '#api/k8s/kinds.ts';
import type { Policy, PolicyKind } from '#api/k8s/policies.ts';
import { toSettings, type BackendSetting, type DataSetting } from '#api/policy/settings.ts';
import { didYouMean } from '#lib/nearest.ts';
import { resolveBackend } from './backend-refs.ts';
import type { PolicyRefObstacle } from './conditions.ts';
import { documentUnit } from './document.ts';
import { entryInUse, objectDataUnit } from './object-data.ts';
import { descriptorFaults } from './message-rules.ts';
import { isPermitted, type Referrer } from './reference-grant.ts';
import { splitId, type View } from './view.ts';

/** A reference that does not resolve. */
export interface UnresolvedReference extends PolicyProblem {
  readonly reason: PolicyRefObstacle['reason'];
}

/** The settings of a policy with what they refer to. */
export interface ResolvedSettings {
  readonly settings: Readonly<Record<string, unknown>>;
  /** Whether the policy refers to anything. */
  readonly refers: boolean;
  /** The ids of the resources of references that resolve, sorted, each once. */
  readonly references: readonly string[];
  readonly unresolved: readonly UnresolvedReference[];
  /** For the output of the unit: the entries that are in use. */
  readonly counters: readonly string[];
}

/** Resolves every reference of a valid policy. */
export function resolveSettings(view: View, definition: PolicyKind, policy: Policy): ResolvedSettings {
  const from: Referrer = { group: groupOf(policy.apiVersion), kind: policy.kind, namespace: policy.metadata.namespace ?? '' };
  const references = new Set<string>();
  const counters = new Set<string>();
  const unresolved: UnresolvedReference[] = [];
  let refers = false;
  const refer = (type: ReferenceType, value: unknown, field: string, content?: EntryContent): DataSetting | BackendSetting => {
    refers = true;
    const { setting, id, counter, obstacle } =
      type === 'data'
        ? resolveData(view, from, value as DataObjectReference, content)
        : resolveCluster(view, from, value as BackendObjectReference);
    if (obstacle !== null) unresolved.push({ field, ...obstacle });
    else references.add(id);
    if (obstacle === null && counter !== null) counters.add(counter);
    return setting;
  };
  const settings = toSettings(definition.settings, policy.spec, refer);
  if (policy.kind === 'HTTPPolicy') unresolved.push(...descriptorFaults(view, settings));
  if (readsConsumers(definition, policy)) references.add(consumersName(from.namespace));
  return { settings, refers, references: [...references].sort(), unresolved, counters: [...counters] };
}

function readsConsumers(definition: PolicyKind, { spec }: Policy): boolean {
  return 'consumers' in definition && definition.consumers.some((setting) => Object.hasOwn(spec, setting));
}

/** The outcome of one reference. `id` and `counter` count only without an obstacle. */
interface Resolved {
  readonly setting: DataSetting | BackendSetting;
  readonly id: string;
  readonly counter: string | null;
  readonly obstacle: PolicyRefObstacle | null;
}

/** The key of no object. */
const UNREACHED = 'unreached';

function resolveData(view: View, from: Referrer, ref: DataObjectReference, content?: EntryContent): Resolved {
  const kind = ref.secretRef === undefined ? 'ConfigMap' : 'Secret';
  const { name, namespace = from.namespace } = (ref.secretRef ?? ref.configMapRef ?? ref) as NamedObject;
  const data = `${kind}/${namespace}/${name}`;
  const obstacle = isPermitted(view, from, { group: '', kind, namespace, name })
    ? (lackOf(view, data, ref.key) ?? faultOf(view, data, ref.key, content))
    : notPermitted(from, data, namespace);
  // Without permission the entry stays out of reach, also if another policy brings it to the proxies.
  const reached = obstacle?.reason === 'RefNotPermitted' ? UNREACHED : data;
  return { setting: { data: reached, key: ref.key }, id: resourceId('ObjectData', data), counter: entryInUse(data, ref.key), obstacle };
}

/** An entry that is not what it must be. */
function faultOf(view: View, data: string, key: string, content: EntryContent | undefined): PolicyRefObstacle | null {
  const faults = content === undefined ? '' : view.read(documentUnit, `${content}/${data}/${key}`);
  return faults === '' ? null : { reason: 'InvalidDocument', message: `entry ${key} of ${data}: ${faults}` };
}

/** The permission is checked before the existence, so that a status does not reveal objects of other namespaces. */
function notPermitted({ group = '', kind, namespace }: Referrer, data: string, theirs: string): PolicyRefObstacle {
  const message = `no ReferenceGrant permits ${kind} (group ${group}) of namespace ${namespace} to refer to ${data}; create one in namespace ${theirs}`;
  return { reason: 'RefNotPermitted', message };
}

function lackOf(view: View, data: string, key: string): PolicyRefObstacle | null {
  const { problem, keys, files } = view.read(objectDataUnit, data);
  if (problem !== null) return { reason: 'NotFound', message: `${data} ${problem}` };
  if (keys.includes(key)) return null;
  // Where files are read, they are entries by now.
  if (files.includes(key)) return { reason: 'KeyNotFound', message: `${data} has no entry ${key}: ${unreadFile(data, key)}` };
  const others = keys.length === 0 ? '; it has no entry' : `; its entries are ${keys.join(', ')}`;
  return { reason: 'KeyNotFound', message: `${data} has no entry ${key}${didYouMean(key, keys) || others}` };
}

function unreadFile(data: string, key: string): string {
  const { name } = splitId(data);
  return `its annotation ${FILES_ANNOTATION} has no effect in a cluster; make it with kubectl create configmap ${name} --from-file=${key}`;
}

function resolveCluster(view: View, from: Referrer, ref: BackendObjectReference): Resolved {
  const { cluster, obstacle } = resolveBackend(view, { ...from, carries: 'requests' }, ref);
  return { setting: { cluster: cluster ?? '' }, id: resourceId('Cluster', cluster ?? ''), counter: null, obstacle };
}
