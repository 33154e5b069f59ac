// The owners of the fields of an object, by metadata.managedFields of the API server (the format FieldsV1 of structured-merge-diff).
import { isList, isObject, type JsonObject, type JsonValue } from '#lib/canonical-json.ts';
import { compareText } from '#lib/compare-text.ts';
import { memberOf } from '#lib/json-value.ts';

/** The field manager of the admin API. */
export const FIELD_MANAGER = 'weir-admin';

/** A program that has set fields: by apply, or by other writes, which the API server keeps apart. */
export interface FieldOwner {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
}

/** A field, an entry of a list, or the object itself. */
export interface OwnedField {
  /** Of this node itself, not of what is below it. */
  readonly owners: FieldOwner[];
  /** By the path elements of FieldsV1: `f:NAME`, `k:{KEYS}`, `v:VALUE`. None for a value that changes as a whole. */
  readonly children: Map<string, OwnedField>;
}

/** The owners of all fields besides those of subresources, which need other rights. */
export function fieldOwners(managedFields: JsonValue | undefined): OwnedField {
  const root = emptyField();
  for (const entry of isList(managedFields) ? managedFields : []) {
    if (!isObject(entry) || (entry['subresource'] ?? '') !== '') continue;
    const { manager, operation, fieldsV1 } = entry;
    if (!isObject(fieldsV1)) continue;
    add(root, fieldsV1, { manager: String(manager), operation: operation === 'Apply' ? 'Apply' : 'Update' });
  }
  return root;
}

function emptyField(): OwnedField {
  return { owners: [], children: new Map() };
}

function add(field: OwnedField, fields: JsonObject, owner: FieldOwner): void {
  for (const [element, below] of Object.entries(fields)) {
    if (element === '.') {
      field.owners.push(owner);
      continue;
    }
    const child = field.children.get(element) ?? emptyField();
    field.children.set(element, child);
    if (!isObject(below) || Object.keys(below).length === 0) child.owners.push(owner);
    else add(child, below, owner);
  }
}

/** The manager of the last write to an object, besides its subresources; '' if the API server does not tell. */
export function lastManager(managedFields: JsonValue | undefined): string {
  const entries = (isList(managedFields) ? managedFields : []).filter((entry) => isObject(entry));
  const own = entries.filter(({ subresource }) => (subresource ?? '') === '');
  const [last] = own.toSorted((a, b) => compareText(String(b['time']), String(a['time'])));
  return last === undefined ? '' : String(last['manager']);
}

/** All owners of a node and of what is below it. */
export function ownersWithin(field: OwnedField): readonly FieldOwner[] {
  return [...field.owners, ...[...field.children.values()].flatMap(ownersWithin)];
}

/** Whether the admin API has applied the node itself. */
export function isApplied({ owners }: OwnedField): boolean {
  return owners.some(isOwnApply);
}

export function isOwnApply({ manager, operation }: FieldOwner): boolean {
  return manager === FIELD_MANAGER && operation === 'Apply';
}

/** The names of the managers besides the admin API, sorted. */
export function foreignManagers(owners: readonly FieldOwner[]): readonly string[] {
  return [...new Set(owners.map(({ manager }) => manager).filter((manager) => manager !== FIELD_MANAGER))].sort();
}

/** An entry of a list with keys, or of a set. */
export interface ListEntry {
  readonly element: string;
  /** The keys of the entry with their values; null for an entry of a set. */
  readonly keys: JsonObject | null;
}

/** The path element of an entry of a list; null if the list changes as a whole. A key with a default may be absent in the entry. */
export function listEntry({ children }: OwnedField, entry: JsonValue): ListEntry | null {
  const [kind] = [...children.keys()];
  if (kind?.startsWith('v:') === true) return { element: `v:${JSON.stringify(entry)}`, keys: null };
  if (kind?.startsWith('k:') !== true || !isObject(entry)) return null;
  for (const element of children.keys()) {
    const keys = parsed(element.slice(2));
    if (isObject(keys) && Object.entries(keys).every(([name, value]) => (memberOf(entry, name) ?? value) === value))
      return { element, keys };
  }
  const names = Object.keys(Object(parsed(kind.slice(2))) as object);
  const keys = Object.fromEntries(names.map((name) => [name, memberOf(entry, name)]));
  return { element: `k:${JSON.stringify(keys)}`, keys };
}

function parsed(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}
