// The difference between two versions of an object, as fields with their values before and after.
import { canonicalJson, isList, isObject, type JsonObject, type JsonValue } from './canonical-json.ts';

/** A field that differs. Without `before` it was added, without `after` it was removed. */
export interface FieldChange {
  /** Like `spec.rules[0].matches` or `metadata.labels["app.kubernetes.io/name"]`; '' is the whole object. */
  readonly path: string;
  readonly before?: JsonValue;
  readonly after?: JsonValue;
}

/**
 * The fields that differ, in the order of the object. Entries of a list that all have names of their own are compared by name, whatever
 * their order: `spec.listeners[name=http].port`. Entries of other lists are compared by position, once equal entries at the beginning and
 * the end are set aside, so that a new first rule is one added field.
 */
export function fieldDiff(before: JsonValue | undefined, after: JsonValue | undefined): readonly FieldChange[] {
  return diff('', before, after);
}

function diff(path: string, before: JsonValue | undefined, after: JsonValue | undefined): readonly FieldChange[] {
  if (before === undefined) return after === undefined ? [] : [{ path, after }];
  if (after === undefined) return [{ path, before }];
  if (isObject(before) && isObject(after)) return objectDiff(path, before, after);
  if (isList(before) && isList(after)) return listDiff(path, before, after);
  return equal(before, after) ? [] : [{ path, before, after }];
}

function objectDiff(path: string, before: JsonObject, after: JsonObject): readonly FieldChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => diff(memberPath(path, name), own(before, name), own(after, name)));
}

/** Not what an object inherits, such as `constructor`. */
function own(value: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

/** `fieldOf` of the messages of Weir, with quotes for names that are no words. */
function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}

function listDiff(path: string, before: readonly JsonValue[], after: readonly JsonValue[]): readonly FieldChange[] {
  const [named, other] = [byName(before), byName(after)];
  if (named === null || other === null) return positionDiff(path, before, after);
  const names = new Set([...named.keys(), ...other.keys()]);
  const changes = [...names].flatMap((name) => diff(`${path}[name=${name}]`, named.get(name), other.get(name)));
  // Only their order differs: the first that matches wins in many lists, so that this is a change too.
  return changes.length === 0 && !equal(before, after) ? [{ path, before, after }] : changes;
}

/** The entries by their names; null unless each entry has one, and no two the same. */
function byName(entries: readonly JsonValue[]): ReadonlyMap<string, JsonValue> | null {
  const named = new Map<string, JsonValue>();
  for (const entry of entries) {
    const name = isObject(entry) ? own(entry, 'name') : undefined;
    if (typeof name !== 'string') return null;
    named.set(name, entry);
  }
  return named.size === entries.length ? named : null;
}

function positionDiff(path: string, before: readonly JsonValue[], after: readonly JsonValue[]): readonly FieldChange[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && equal(before[head], after[head])) head++;
  let tail = 0;
  while (tail < shorter - head && equal(before[before.length - 1 - tail], after[after.length - 1 - tail])) tail++;
  const [old, young] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  return Array.from({ length: Math.max(old.length, young.length) }, (_, i) => diff(`${path}[${head + i}]`, old[i], young[i])).flat();
}

function equal(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  return a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b);
}
