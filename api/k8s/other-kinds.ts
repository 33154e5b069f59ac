// Documents in a folder that are for other programs: Deployments, kustomization.yaml, values of Helm. A misspelt name of
// a kind that Weir reads is not one of them.
import { nearest } from '#lib/nearest.ts';
import { groupOf, kindOf, KINDS } from './kinds.ts';
import { GATEWAY_GROUP, WEIR_GROUP } from './schema.ts';

const OWN_GROUPS = [GATEWAY_GROUP, WEIR_GROUP];
/** A group with at most this many wrong letters counts as misspelt. */
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
/** The API groups of Kubernetes itself; CORE_KINDS has their kinds that Weir does not read. */
const KNOWN_GROUPS: ReadonlySet<string> = new Set(READ.map(({ apiVersion }) => groupOf(apiVersion)));

/** The kind of a document for another program; '' for a document that is no Kubernetes object; null if Weir reads or refuses it. */
export function otherKindOf(value: unknown): string | null {
  if (isPatch(value)) return '';
  if (!isRecord(value)) return null;
  const { apiVersion, kind } = value;
  if (typeof apiVersion === 'string' && typeof kind === 'string') return isOther(apiVersion, kind) ? kind : null;
  return isBroken(value) ? null : '';
}

/** Whether a document without an API version or kind is an incomplete object. */
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
  // No group of Kubernetes has a kind with the name of one of these, so the document has a wrong group.
  return !(group.endsWith('k8s.io') && OWN_KINDS.has(kind));
}

/** A JSON patch (RFC 6902), which kustomize reads. */
function isPatch(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every((step) => isRecord(step) && 'op' in step && 'path' in step);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
