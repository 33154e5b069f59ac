// What a change of an object means for server-side apply: the fields to apply, and the fields of others that it would change.
import { isList, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { equalJson, memberOf, withMember } from '#lib/json-value.ts';
import { fieldOwners, foreignManagers, isApplied, isOwnApply, listEntry, ownersWithin } from './field-owners.ts';
import type { FieldOwner, OwnedField } from './field-owners.ts';

/** A field that another program has set, and that the change sets otherwise or removes. */
export interface FieldConflict {
  readonly field: string;
  readonly managers: readonly string[];
}

/** How to write a change. */
export interface AppliedFields {
  /**
   * The object for apply: what the admin API has applied before, and what the change sets. Fields that the change leaves as they are stay
   * out, so that the admin API does not become their owner.
   */
  readonly configuration: JsonObject;
  readonly conflicts: readonly FieldConflict[];
  /** The change removes a field that is not only the admin API's: apply cannot, an update can. */
  readonly needsUpdate: boolean;
}

const NO_OWNERS: OwnedField = { owners: [], children: new Map() };

/** Compares two states of an object, without what the API server writes. */
export function appliedFields(before: JsonObject, after: JsonObject, managedFields: JsonValue | undefined): AppliedFields {
  const comparison = new Comparison();
  const { apiVersion, kind, metadata } = after;
  const { name, namespace } = isObject(metadata) ? metadata : {};
  const part = comparison.part(fieldOwners(managedFields), before, after, '');
  const own = isObject(part) ? part : {};
  const names = { name, ...(namespace === undefined ? {} : { namespace }) };
  const ownMetadata = memberOf(own, 'metadata');
  const configuration = { ...own, apiVersion, kind, metadata: { ...(isObject(ownMetadata) ? ownMetadata : {}), ...names } };
  return { configuration, conflicts: comparison.conflicts, needsUpdate: comparison.needsUpdate };
}

class Comparison {
  readonly conflicts: FieldConflict[] = [];
  needsUpdate = false;

  /** The part of `after` to apply; undefined for none. */
  part(field: OwnedField, before: JsonValue | undefined, after: JsonValue | undefined, path: string): JsonValue | undefined {
    if (after === undefined) return this.#removed(field, before, path);
    // A leaf with owners changes as a whole, such as a map that a CRD declares atomic; what has no owner has its default.
    if (field.children.size === 0 && field.owners.length > 0) return this.#whole(field, before, after, path);
    if (isObject(before) && isObject(after)) return this.#object(field, before, after, path);
    if (isList(before) && isList(after)) return this.#list(field, before, after, path);
    return this.#whole(field, before, after, path);
  }

  /** A value that changes as a whole. */
  #whole(field: OwnedField, before: JsonValue | undefined, after: JsonValue, path: string): JsonValue | undefined {
    if (equalJson(before, after)) return isApplied(field) ? after : undefined;
    if (before !== undefined) this.#conflict(ownersWithin(field), path);
    return after;
  }

  #removed(field: OwnedField, before: JsonValue | undefined, path: string): undefined {
    if (before === undefined) return undefined;
    const owners = ownersWithin(field);
    this.#conflict(owners, path);
    if (owners.length === 0 || !owners.every(isOwnApply)) this.needsUpdate = true;
    return undefined;
  }

  #conflict(owners: readonly FieldOwner[], path: string): void {
    const managers = foreignManagers(owners);
    if (managers.length > 0) this.conflicts.push({ field: path, managers });
  }

  #object(field: OwnedField, before: JsonObject, after: JsonObject, path: string): JsonValue | undefined {
    let own: JsonObject = {};
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const child = field.children.get(`f:${name}`) ?? NO_OWNERS;
      own = withMember(own, name, this.part(child, memberOf(before, name), memberOf(after, name), pathOf(path, name)));
    }
    return Object.keys(own).length > 0 || isApplied(field) ? own : undefined;
  }

  #list(field: OwnedField, before: readonly JsonValue[], after: readonly JsonValue[], path: string): JsonValue | undefined {
    const [old, now] = [entriesOf(field, before), entriesOf(field, after)];
    if (old === null || now === null) return this.#whole(field, before, after, path);
    const place = (element: string): readonly [OwnedField, string] => [
      field.children.get(element) ?? NO_OWNERS,
      `${path}[${element.slice(2)}]`,
    ];
    for (const [element, { value }] of old) if (!now.has(element)) this.#removed(place(element)[0], value, place(element)[1]);
    const own = [...now].flatMap(([element, entry]) => this.#entry(place(element), old.get(element)?.value, entry));
    return own.length > 0 || isApplied(field) ? own : undefined;
  }

  /** The entry to apply, with its keys; none if the change leaves it to others. */
  #entry([field, path]: readonly [OwnedField, string], before: JsonValue | undefined, { keys, value }: Entry): readonly JsonValue[] {
    const part = this.part(field, before, value, path);
    if (part === undefined && !isApplied(field)) return [];
    return [keys === null ? value : { ...keys, ...(isObject(part) ? part : {}) }];
  }
}

/** `keys`: null for an entry of a set. */
interface Entry {
  readonly keys: JsonObject | null;
  readonly value: JsonValue;
}

type Entries = ReadonlyMap<string, Entry>;

/** The entries by path element; null if the list changes as a whole. */
function entriesOf(field: OwnedField, list: readonly JsonValue[]): Entries | null {
  const entries = new Map<string, Entry>();
  for (const value of list) {
    const entry = listEntry(field, value);
    if (entry === null || entries.has(entry.element)) return null;
    entries.set(entry.element, { keys: entry.keys, value });
  }
  return entries;
}

function pathOf(path: string, name: string): string {
  if (!/^[A-Za-z_$][\w$-]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
