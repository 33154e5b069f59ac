// The downward API: fields of a Pod for environment variables and files of its containers.
import type { FieldRef, Pod, ResourceFieldRef } from './objects.ts';
import { nodeAddress } from './address-plan.ts';
import { CAPACITY } from './registration.ts';
import type { NodeSettings } from './settings.ts';

/** A Pod and its node. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly podIp: string;
  readonly settings: NodeSettings;
}

/** The field as text, or null if containers may not read it. */
export function fieldOf({ pod, podIp, settings }: PlacedPod, { fieldPath }: FieldRef): string | null {
  const { metadata, spec } = pod;
  const keyed = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(fieldPath);
  if (keyed !== null) return metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2] ?? ''] ?? '';
  const fields: Readonly<Record<string, () => string>> = {
    'metadata.name': () => metadata.name,
    'metadata.namespace': () => metadata.namespace ?? '',
    'metadata.uid': () => metadata.uid ?? '',
    'metadata.labels': () => listing(metadata.labels),
    'metadata.annotations': () => listing(metadata.annotations),
    'spec.nodeName': () => spec.nodeName ?? '',
    'spec.serviceAccountName': () => spec.serviceAccountName ?? '',
    'status.podIP': () => podIp,
    'status.podIPs': () => podIp,
    'status.hostIP': () => hostAddress(settings, spec.nodeName),
    'status.hostIPs': () => hostAddress(settings, spec.nodeName),
  };
  return Object.hasOwn(fields, fieldPath) ? (fields[fieldPath]?.() ?? null) : null;
}

/** The address of the node with that name. */
export function hostAddress({ plan, nodes }: NodeSettings, nodeName: string | undefined): string {
  return nodeAddress(
    plan,
    nodes.findIndex(({ name }) => name === nodeName),
  );
}

/** A limit or request of a container in whole units of the divisor, rounded up; null if unknown. */
export function resourceOf(pod: Pod, own: string | null, { resource, containerName, divisor = '1' }: ResourceFieldRef): string | null {
  const container = pod.spec.containers.find(({ name }) => name === (containerName ?? own));
  const [, kind, unit] = /^(limits|requests)\.(cpu|memory)$/.exec(resource) ?? [];
  if (container === undefined || unit === undefined) return null;
  const quantity = container.resources?.[kind as 'limits' | 'requests']?.[unit] ?? WITHOUT[resource] ?? '0';
  // The API server writes 0 for a divisor that was left out.
  return String(Math.ceil(parseQuantity(quantity) / (parseQuantity(divisor) || 1)));
}

/** Without a limit the node's capacity counts. */
const WITHOUT: Readonly<Record<string, string>> = { 'limits.cpu': CAPACITY.cpu, 'limits.memory': CAPACITY.memory };

const SUFFIXES: Readonly<Record<string, number>> = { '': 1, m: 1e-3, k: 1e3, M: 1e6, G: 1e9, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 };

/** `100m`, `2`, `64Mi` as a number. */
export function parseQuantity(text: string): number {
  const [, amount, suffix] = /^(\d+(?:\.\d+)?)(m|k|M|G|Ki|Mi|Gi)?$/.exec(text) ?? [];
  if (amount === undefined) throw new Error(`cannot read the quantity ${text}`);
  return Number(amount) * (SUFFIXES[suffix ?? ''] ?? 1);
}

/** One `key="value"` per line, in the kubelet's format. */
function listing(values: Readonly<Record<string, string>> = {}): string {
  return Object.entries(values)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');
}
