// Documents in a folder that belong to other programs: Deployments, kustomization.yaml, values of Helm. A slip of the pen in the name of
// a kind that Weir reads is not one of them.
import { nearest } from '#lib/nearest.ts';
import { groupOf, kindOf, KINDS } from './kinds.ts';
import { GATEWAY_GROUP, WEIR_GROUP } from './schema.ts';

const OWN_GROUPS = [GATEWAY_GROUP, WEIR_GROUP];
/** A group with so few wrong letters is meant to be one of these. */
const MAX_SLIPS = 2;

/** The kinds of the core group that Weir does not read. */
const CORE_KINDS: ReadonlySet<string> = new Set([
  ...['Binding', 'ComponentStatus', 'Endpoints', 'Event', 'LimitRange', 'Node', 'PersistentVolume', 'PersistentVolumeClaim', 'Pod'],
  ...['PodTemplate', 'ReplicationController', 'ResourceQuota', 'ServiceAccount'],
]);

const READ = Object.values(KINDS);
const OWN_KINDS: ReadonlySet<string> = new Set(
  READ.filter(({ apiVersion }) => OWN_GROUPS.includes(groupOf(apiVersion))).map(({ kind }) => kind),
);
/** Groups of Kubernetes itself that have no kinds beside those that Weir reads and CORE_KINDS. */
const KNOWN_GROUPS: ReadonlySet<string> = new Set(READ.map(({ apiVersion }) => groupOf(apiVersion)));

/** The kind of a document that is for another program; '' where it is no Kubernetes object at all; null for one that Weir reads or refuses. */
export function otherKindOf(value: unknown): string | null {
  if (isPatch(value)) return '';
  if (!isRecord(value)) return null;
  const { apiVersion, kind } = value;
  if (typeof apiVersion === 'string' && typeof kind === 'string') return isOther(apiVersion, kind) ? kind : null;
  return isBroken(value) ? null : '';
}

/** Whether a document that lacks its API version or kind was to be an object all the same. */
function isBroken(value: Record<string, unknown>): boolean {
  const { apiVersion, kind } = value;
  if ('metadata' in value || 'spec' in value || Object.keys(value).length === 0) return true;
  if (typeof apiVersion === 'string' && OWN_GROUPS.includes(groupOf(apiVersion))) return true;
  return typeof kind === 'string' && Object.hasOwn(KINDS, kind);
}

function isOther(apiVersion: string, kind: string): boolean {
  if (kindOf(apiVersion, kind) !== undefined) return false;
  const group = groupOf(apiVersion);
  if (group === '') return CORE_KINDS.has(kind);
  if (KNOWN_GROUPS.has(group) || nearest(group, OWN_GROUPS, MAX_SLIPS) !== null) return false;
  // No group of Kubernetes has a second kind of that name.
  return !(group.endsWith('k8s.io') && OWN_KINDS.has(kind));
}

/** A JSON patch (RFC 6902), which kustomize reads. */
function isPatch(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((step) => isRecord(step) && 'op' in step && 'path' in step);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
