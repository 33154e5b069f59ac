// Writes one planned object to the cluster: whole, or not at all, and only over the state that the plan was made of.
import { isObject, type JsonObject } from '#lib/canonical-json.ts';
import { equalJson, memberOf, withMember } from '#lib/json-value.ts';
import { ok, type Result } from '#lib/result.ts';
import type { AdminProblem } from '../../api/problem.ts';
import type { ObjectChange } from '../configuration-store.ts';
import { hiddenAnnotations, hidesData } from '../hidden-data.ts';
import { appliedFields } from './applied-fields.ts';
import type { ClusterObjects, LiveObject, Write } from './cluster-objects.ts';
import { fieldConflict } from './cluster-problem.ts';
import { FIELD_MANAGER } from './field-owners.ts';

/** A write. `force`: fields of other managers are taken over. */
export interface PlannedWrite extends Write {
  readonly force: boolean;
}

/**
 * Takes the object from the live state to the planned one; null is no object. A live object that has changed since is refused with
 * `changed-meanwhile`.
 */
export async function writePlanned(
  objects: ClusterObjects,
  write: PlannedWrite,
  live: LiveObject | null,
  planned: JsonObject | null,
): Promise<Result<LiveObject | null, AdminProblem>> {
  if (live === null) return planned === null ? ok(null) : objects.create(write, planned);
  if (planned === null) return objects.delete(write, live);
  return equalJson(live.object, planned) ? ok(live) : changeLive(objects, write, live, planned);
}

async function changeLive(
  objects: ClusterObjects,
  write: PlannedWrite,
  live: LiveObject,
  planned: JsonObject,
): Promise<Result<LiveObject, AdminProblem>> {
  const { uid, resourceVersion } = live;
  const { configuration, conflicts, needsUpdate } = appliedFields(live.object, planned, memberOf(metadataOf(live.raw), 'managedFields'));
  if (conflicts.length > 0 && !write.force) return fieldConflict(write.ref, conflicts);
  if (needsUpdate) return objects.update(write, inState(planned, { uid, resourceVersion }));
  // A dry run holds for any version, such as one with a new status.
  const own = inState(configuration, write.try ? { uid } : { uid, resourceVersion });
  const applied = await objects.apply(write, own, write.force);
  // What the admin API has set without apply, such as a new object, is its own.
  return applied.ok || !isOwnConflict(applied.error) ? applied : objects.apply(write, own, true);
}

function metadataOf(object: JsonObject): JsonObject {
  const metadata = memberOf(object, 'metadata');
  return isObject(metadata) ? metadata : {};
}

function inState(object: JsonObject, state: JsonObject): JsonObject {
  return { ...object, metadata: { ...metadataOf(object), ...state } };
}

function isOwnConflict({ code, more }: AdminProblem): boolean {
  const managers = more?.['managers'];
  return code === 'field-conflict' && Array.isArray(managers) && managers.every((manager) => manager === FIELD_MANAGER);
}

/** The planned object in the form of the API server: with annotations that its author could not see, and one form of the data of a Secret. */
export function liveForm(change: ObjectChange, planned: JsonObject, live: LiveObject | null): JsonObject {
  const whole = change.operation === 'replace' && live !== null ? withAnnotations(planned, hiddenAnnotations(live.object)) : planned;
  return hidesData(change.ref) ? withEncodedData(whole) : whole;
}

function withAnnotations(object: JsonObject, hidden: JsonObject): JsonObject {
  if (Object.keys(hidden).length === 0) return object;
  const metadata = metadataOf(object);
  const given = memberOf(metadata, 'annotations');
  return { ...object, metadata: { ...metadata, annotations: { ...hidden, ...(isObject(given) ? given : {}) } } };
}

/** The API server turns stringData into data, which would have other owners. */
function withEncodedData(object: JsonObject): JsonObject {
  const texts = memberOf(object, 'stringData');
  if (!isObject(texts)) return object;
  const data = memberOf(object, 'data');
  const encoded = Object.entries(texts).map(([name, text]) => [name, Buffer.from(String(text)).toString('base64')] as const);
  return { ...withMember(object, 'stringData', undefined), data: { ...(isObject(data) ? data : {}), ...Object.fromEntries(encoded) } };
}
