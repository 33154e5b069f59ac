// JSON in one canonical form (RFC 8785): equal values have equal texts, so that hashes of them can be compared and computed again by
// other programs.

/** A value that JSON can hold. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

/** Members that are undefined do not count. */
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}

/**
 * The canonical text. The value has texts of well-formed Unicode and finite numbers, as RFC 8785 demands, and a moderate depth
 * (`isDeeperThan`), since its levels are calls.
 */
export function canonicalJson(value: JsonValue): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = membersOf(value).map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}

/** The members of an object in canonical order: by the UTF-16 code units of their names. */
export function membersOf(value: JsonObject): readonly (readonly [string, JsonValue])[] {
  const members = Object.entries(value).flatMap(([name, member]) => (member === undefined ? [] : [[name, member] as const]));
  return members.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Whether lists and objects lie within each other in more than so many levels. */
export function isDeeperThan(value: JsonValue | undefined, levels: number): boolean {
  if (value === null || typeof value !== 'object') return false;
  return levels === 0 || Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}

/** `Array.isArray` does not tell readonly lists from objects. */
export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Whether a value is an object, and no list. */
export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
