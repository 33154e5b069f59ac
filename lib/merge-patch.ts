// JSON merge patch (RFC 7386): an object with the members to change; null takes a member out.
import { isObject, type JsonValue } from './canonical-json.ts';
import { equalJson, memberOf } from './json-value.ts';

/** The patched value. Lists are replaced as a whole. */
export function applyMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const members = new Map<string, JsonValue | undefined>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch))
    if (value === null || value === undefined) members.delete(name);
    else members.set(name, applyMergePatch(members.get(name), value));
  return Object.fromEntries(members);
}

/** The merge patch that makes one value of the other. A member that is null afterwards cannot be expressed, and is taken out. */
export function mergePatchOf(before: JsonValue | undefined, after: JsonValue): JsonValue {
  if (!isObject(before) || !isObject(after)) return after;
  const members = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(after))
    if (value !== undefined && !equalJson(memberOf(before, name), value)) members.set(name, mergePatchOf(memberOf(before, name), value));
  for (const name of Object.keys(before)) if (!Object.hasOwn(after, name)) members.set(name, null);
  return Object.fromEntries(members);
}
