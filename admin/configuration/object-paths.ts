// What the operations on configuration share: the path of an object, its form for callers, and examples.
import { KINDS, type KindName } from '#api/k8s/kinds.ts';
import type { ObjectRef } from '#api/k8s/object.ts';
import type { JsonObject } from '#lib/canonical-json.ts';
import type { JsonPatchStep } from '#lib/json-patch.ts';
import { ok, type Result } from '#lib/result.ts';
import { invalid, notFound, type AdminProblem } from '../api/problem.ts';
import type { ObjectPatch, StoredObject } from './configuration-store.ts';
import { entryNames, hidesData, shownObject } from './hidden-data.ts';
import { MAX_OBJECT_BYTES, checkedRef } from './planned-change.ts';

/** The namespace in paths of kinds without namespaces. */
const NO_NAMESPACE = '-';
/** Bytes of a body: an object, and the rest of the request. */
export const MAX_BODY_BYTES = MAX_OBJECT_BYTES + 65_536;

/** An object in a path. */
export interface ObjectPath {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** The namespace for a check of rights; null for kinds without namespaces. */
export function inNamespace({ namespace }: Pick<ObjectPath, 'namespace'>): string | null {
  return namespace === NO_NAMESPACE ? null : namespace;
}

/** A kind that Weir reads. */
export function checkedKind(kind: string): Result<KindName, AdminProblem> {
  return Object.hasOwn(KINDS, kind) ? ok(kind as KindName) : notFound('kind', kind);
}

/** The object of a path. */
export function refOf(path: ObjectPath): Result<ObjectRef, AdminProblem> {
  const kind = checkedKind(path.kind);
  return kind.ok ? checkedRef(kind.value, path.namespace === NO_NAMESPACE ? '' : path.namespace, path.name) : kind;
}

/** An object as callers may see it. */
export function shown({ ref, object, etag, place }: StoredObject) {
  const entries = hidesData(ref) ? { entries: [...entryNames(object)] } : {};
  return { object: shownObject(object), etag, place, ...entries };
}

/** The patch of a body: exactly one of its members. */
export function patchOf({ merge, json }: { readonly merge?: unknown; readonly json?: unknown }): Result<ObjectPatch, AdminProblem> {
  if (merge !== undefined && json === undefined) return ok({ merge: merge as JsonObject });
  if (json !== undefined && merge === undefined) return ok({ json: json as JsonPatchStep[] });
  return invalid([{ field: 'body', reason: 'must have either merge or json' }]);
}

/** The objects of the examples; the tests make them. */
export const ROUTE_EXAMPLE: JsonObject = {
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'cart', namespace: 'storefront' },
  spec: { parentRefs: [{ name: 'edge' }], rules: [{ backendRefs: [{ name: 'cart', port: 80 }] }] },
};
export const PATH_EXAMPLE = { kind: 'HTTPRoute', namespace: 'storefront', name: 'cart' };
export const UNKNOWN_EXAMPLE = { kind: 'HTTPRoute', namespace: 'storefront', name: 'no-such-route' };
export const SHOWN_EXAMPLE = { object: ROUTE_EXAMPLE, etag: 'KxW0u2mD3xgq6d0o5c1QvA', place: { file: 'shop.yaml', line: 12 } };
/** The refusals of changes. */
export const CHANGE_PROBLEMS = {
  403: ['managed-by-gitops', 'cluster-forbidden', 'cluster-refused'],
  404: ['object-unknown', 'namespace-unknown', 'kind-not-installed'],
  409: ['file-changed', 'file-invalid', 'file-not-editable', 'file-outside', 'field-conflict', 'cluster-refused'],
  412: ['changed-meanwhile'],
  413: ['object-too-large'],
  422: ['object-invalid', 'object-mismatch', 'patch-not-applicable', 'secret-incomplete', 'secret-unreadable'],
  503: ['folder-unwritable', 'cluster-away'],
} as const;
/** The refusals of dry runs. */
export const DRY_RUN_PROBLEMS = { ...CHANGE_PROBLEMS, 503: [...CHANGE_PROBLEMS[503], 'compiler-busy', 'compiler-ended'] } as const;
