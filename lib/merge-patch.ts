// JSON merge patch (RFC 7386): an object with the members to change; null takes a member out.
import { isObject, type JsonValue } from './canonical-json.ts';

/** The patched value. Lists are replaced as a whole. */
export function applyMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const members = new Map<string, JsonValue | undefined>(isObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(patch))
    if (value === null || value === undefined) members.delete(name);
    else members.set(name, applyMergePatch(members.get(name), value));
  return Object.fromEntries(members);
}
