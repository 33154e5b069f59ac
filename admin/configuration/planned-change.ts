// The object after a change: checked before anything is written, and the same for a folder and a cluster.
import { describeError } from '#api/k8s/field-error.ts';
import { kindOf, KINDS, type KindName } from '#api/k8s/kinds.ts';
import { objectId, type ObjectRef } from '#api/k8s/object.ts';
import { validateObject } from '#api/k8s/validate.ts';
import { isDeeperThan, isList, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { applyJsonPatch } from '#lib/json-patch.ts';
import { withMember } from '#lib/json-value.ts';
import { applyMergePatch } from '#lib/merge-patch.ts';
import { ok, type Result } from '#lib/result.ts';
import { changedMeanwhile, notFound, refuse, type AdminProblem } from '../api/problem.ts';
import type { ObjectChange, ObjectPatch, StoredObject } from './configuration-store.ts';
import { hidesData, refuseSecretPatch } from './hidden-data.ts';

/** Bytes of the JSON of an object. An API server takes 1.5 MiB, with the fields that it adds. */
export const MAX_OBJECT_BYTES = 1_048_576;
/** Levels of lists and objects; the deepest schema has fewer than 30. */
const MAX_DEPTH = 64;
/** As for names of objects in the API (RFC 1123). */
const NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** Members of metadata that an API server writes, and no author. */
export const SERVER_FIELDS: readonly string[] = [
  ...['uid', 'resourceVersion', 'generation', 'creationTimestamp', 'managedFields', 'selfLink'],
  ...['deletionTimestamp', 'deletionGracePeriodSeconds'],
];

/** The name of an object of a kind that Weir reads. `namespace` is '' for a cluster-scoped kind. */
export function checkedRef(kind: KindName, namespace: string, name: string): Result<ObjectRef, AdminProblem> {
  const errors = [
    ...(NAME.test(name) ? [] : [{ field: 'name', reason: 'must be a name of lower case letters, digits, - and .' }]),
    ...(!KINDS[kind].namespaced || NAMESPACE.test(namespace) ? [] : [{ field: 'namespace', reason: 'must be the name of a namespace' }]),
    ...(KINDS[kind].namespaced || namespace === '' ? [] : [{ field: 'namespace', reason: `must be -, since a ${kind} has no namespace` }]),
  ];
  if (errors.length > 0) return refuse(400, 'invalid-fields', `the name of the ${kind} is not valid`, { errors });
  return ok({ kind, namespace, name });
}

/** The object after the change; null if it is deleted. `current`: null if there is none. */
export function plannedObject(change: ObjectChange, current: StoredObject | null): Result<JsonObject | null, AdminProblem> {
  const { ref } = change;
  if (change.operation === 'create') {
    if (current !== null) return refuse(409, 'object-exists', `${objectId(ref)} exists already; replace or patch it`);
    return checkedObject(ref, change.object);
  }
  if (current === null) return notFound('object', objectId(ref));
  if (change.etag !== null && change.etag !== current.etag) return changedMeanwhile('object', objectId(ref), current.etag);
  if (change.operation === 'delete') return ok(null);
  if (change.operation === 'replace') return replaced(ref, change.object);
  const patched = patchedObject(ref, change.patch, current.object);
  return patched.ok ? checkedObject(ref, patched.value) : patched;
}

function replaced(ref: ObjectRef, object: JsonObject): Result<JsonObject, AdminProblem> {
  if (!hidesData(ref) || ['data', 'stringData'].some((name) => Object.hasOwn(object, name))) return checkedObject(ref, object);
  return refuse(422, 'secret-incomplete', `${objectId(ref)} is replaced with its data; send a patch to change other fields only`);
}

function patchedObject(ref: ObjectRef, patch: ObjectPatch, current: JsonObject): Result<JsonValue, AdminProblem> {
  if ('merge' in patch) return isTooDeep(patch.merge) ? tooDeep(ref) : ok(applyMergePatch(current, patch.merge));
  if (isTooDeep(patch.json as unknown as JsonValue)) return tooDeep(ref);
  const refused = hidesData(ref) ? refuseSecretPatch(ref, patch.json) : null;
  if (refused !== null) return refused;
  const patched = applyJsonPatch(current, patch.json);
  if (patched.ok) return patched;
  return refuse(422, 'patch-not-applicable', `step ${patched.error.step} of the patch ${patched.error.reason}`);
}

function isTooDeep(value: JsonValue): boolean {
  return isDeeperThan(value, MAX_DEPTH);
}

function tooDeep(ref: ObjectRef): Result<never, AdminProblem> {
  return refuse(422, 'object-invalid', `${objectId(ref)} is nested in more than ${MAX_DEPTH} levels`);
}

/** The object without what a server writes, or why it may not be written. */
export function checkedObject(ref: ObjectRef, value: JsonValue): Result<JsonObject, AdminProblem> {
  if (!isObject(value)) return refuse(422, 'object-invalid', `${objectId(ref)} must stay an object`);
  if (isTooDeep(value)) return tooDeep(ref);
  const bytes = Buffer.byteLength(JSON.stringify(value));
  if (bytes > MAX_OBJECT_BYTES)
    return refuse(413, 'object-too-large', `${objectId(ref)} has ${bytes} bytes of JSON; ${MAX_OBJECT_BYTES} are the limit`);
  if (hasForeignName(value)) return refuse(422, 'object-invalid', `${objectId(ref)} has a field __proto__, which no kind has`);
  const object = withIdentity(ref, value);
  if (!object.ok) return object;
  const valid = validateObject(object.value, { strict: true });
  if (valid.ok) return object;
  const errors = hidesData(ref) ? valid.error.map(({ field }) => ({ field, reason: 'is not valid' })) : valid.error;
  const [first = { field: '', reason: '' }] = errors;
  return refuse(422, 'object-invalid', `${objectId(ref)} is not valid: ${describeError(first)}`, { errors });
}

function hasForeignName(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || typeof value !== 'object') return false;
  if (isList(value)) return value.some(hasForeignName);
  return Object.entries(value).some(([name, member]) => name === '__proto__' || hasForeignName(member));
}

/** The object of a server without what it writes: as its author would write it. */
export function authoredObject(value: JsonObject): JsonObject {
  const { metadata, status: _, ...rest } = value;
  return { ...rest, metadata: authoredMetadata(metadata) };
}

function authoredMetadata(metadata: JsonValue | undefined): JsonObject {
  return SERVER_FIELDS.reduce((left, field) => withMember(left, field, undefined), isObject(metadata) ? metadata : {});
}

/** The object with the name of its path, without what a server writes. */
function withIdentity(ref: ObjectRef, value: JsonObject): Result<JsonObject, AdminProblem> {
  const { apiVersion, kind, metadata, status: _, ...rest } = value;
  const wrong = wrongIdentity(ref, value);
  if (wrong !== null) return wrong;
  const own = authoredMetadata(metadata);
  const named = { name: ref.name, ...(ref.namespace === '' ? {} : { namespace: ref.namespace }) };
  return ok({ apiVersion, kind, metadata: { ...named, ...own, ...named }, ...rest });
}

/** The path decides the kind, namespace and name: a body that says otherwise would pass the check of permissions for another object. */
function wrongIdentity(ref: ObjectRef, { apiVersion, kind, metadata }: JsonObject): Result<never, AdminProblem> | null {
  if (typeof apiVersion !== 'string' || kind !== ref.kind || kindOf(apiVersion, ref.kind) === undefined)
    return mismatch(ref, 'kind', `must be of kind ${ref.kind} and ${KINDS[ref.kind as KindName].apiVersion}`);
  if (!isObject(metadata)) return mismatch(ref, 'metadata', 'is required');
  const { name = ref.name, namespace = ref.namespace } = metadata;
  if (name !== ref.name) return mismatch(ref, 'metadata.name', `must be ${ref.name}, as in the path`);
  const expected = ref.namespace === '' ? 'absent' : ref.namespace;
  return namespace === ref.namespace ? null : mismatch(ref, 'metadata.namespace', `must be ${expected}, as in the path`);
}

function mismatch(ref: ObjectRef, field: string, reason: string): Result<never, AdminProblem> {
  return refuse(422, 'object-mismatch', `${objectId(ref)}: ${field} ${reason}`, { errors: [{ field, reason }] });
}
