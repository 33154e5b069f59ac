// URL paths of the Kubernetes API: collections, objects, status subresources.
import { KINDS } from '#api/k8s/kinds.ts';
import type { KindInfo, KindName } from '#api/k8s/kinds.ts';
import type { ObjectRef } from '#api/k8s/object.ts';

/** `/api/v1` or `/apis/<group>/<version>`. */
export function groupPath(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** All objects of a kind in a namespace; '' for every namespace. */
export function collectionPath({ apiVersion, plural }: Pick<KindInfo, 'apiVersion' | 'plural'>, namespace = ''): string {
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(apiVersion)}${scope}/${plural}`;
}

/** The path of an object of a kind that Weir reads. */
export function objectPath({ kind, namespace, name }: ObjectRef): string {
  const { apiVersion, plural } = KINDS[kind as KindName];
  const scope = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${groupPath(apiVersion)}${scope}/${plural}/${encodeURIComponent(name)}`;
}
