// The fields that a change of an object changes, as callers may see them.
import type { ObjectRef } from '#api/k8s/object.ts';
import { validateObject } from '#api/k8s/validate.ts';
import type { JsonObject, JsonValue } from '#lib/canonical-json.ts';
import { fieldDiff, type FieldChange } from '#lib/field-diff.ts';
import type { ChangedObject, ObjectChange, StoredObject } from './configuration-store.ts';
import { comparedObject, givenEntries } from './hidden-data.ts';

/** An object with the fields that change. */
export interface ObjectDifference {
  readonly ref: ObjectRef;
  readonly change: 'created' | 'changed' | 'deleted' | 'unchanged';
  readonly fields: readonly FieldChange[];
}

/** The difference that a change makes. A value that is the default is equal to none. */
export function fieldChanges({ ref, before, after }: ChangedObject, change: ObjectChange | undefined): ObjectDifference {
  const given = change === undefined ? new Set<string>() : entriesGivenBy(change);
  const side = (stored: StoredObject | null, name: 'before' | 'after'): JsonValue | undefined =>
    comparedObject(stored === null ? null : withDefaults(stored.object), name, given);
  const fields = fieldDiff(side(before, 'before'), side(after, 'after'));
  if (before === null) return { ref, change: 'created', fields };
  if (after === null) return { ref, change: 'deleted', fields };
  return { ref, change: fields.length === 0 ? 'unchanged' : 'changed', fields };
}

/** The entries of a Secret that a change gives values for. */
function entriesGivenBy(change: ObjectChange): ReadonlySet<string> {
  if (change.operation === 'create' || change.operation === 'replace') return givenEntries(change.object);
  if (change.operation === 'delete') return new Set();
  if ('merge' in change.patch) return givenEntries(change.patch.merge);
  return new Set(change.patch.json.flatMap(({ path, value }) => [path.split('/')[2] ?? '', ...Object.keys(Object(value) as object)]));
}

function withDefaults(object: JsonObject): JsonObject {
  const valid = validateObject(object, { strict: false });
  return valid.ok ? (valid.value as unknown as JsonObject) : object;
}
