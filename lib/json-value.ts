// Equality of JSON values, and access to members that come from outside: no name finds or sets an inherited property.
import { isList, isObject, type JsonObject, type JsonValue } from './canonical-json.ts';

/** The member of that name; undefined if there is none. */
export function memberOf(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** A copy with one member more, or another value of it; the order stays. `undefined` takes it out. */
export function withMember(object: JsonObject, name: string, value: JsonValue | undefined): JsonObject {
  const members = new Map(Object.entries(object));
  if (value === undefined) members.delete(name);
  else members.set(name, value);
  // Object.fromEntries defines members, so that `__proto__` is one like all others.
  return Object.fromEntries(members);
}

/** Whether two values are the same in JSON: the order of members does not count. */
export function equalJson(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  if (isList(a) && isList(b)) return a.length === b.length && a.every((item, i) => equalJson(item, b[i]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && equalJson(a[name], b[name]));
}
