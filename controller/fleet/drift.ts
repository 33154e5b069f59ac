// Whether an object is as it was applied, though the API server has filled in more.

/** True when everything wanted is there. What is beyond it belongs to the API server or to somebody else. */
export function holds(actual: unknown, wanted: unknown): boolean {
  if (Array.isArray(wanted)) return holdsList(actual, wanted);
  if (typeof wanted !== 'object' || wanted === null) return actual === wanted;
  const fields = Object.entries(wanted);
  if (fields.length === 0) return true;
  if (typeof actual !== 'object' || actual === null) return false;
  return fields.every(([name, value]) => Object.hasOwn(actual, name) && holds((actual as Readonly<Record<string, unknown>>)[name], value));
}

function holdsList(actual: unknown, wanted: readonly unknown[]): boolean {
  if (wanted.length === 0) return actual === undefined || (Array.isArray(actual) && actual.length === 0);
  return Array.isArray(actual) && actual.length === wanted.length && wanted.every((value, i) => holds(actual[i], value));
}

/** What an object has of the fields that are wanted: to compare it with itself later, where the server writes values its own way. */
export function project(actual: unknown, wanted: unknown): unknown {
  if (Array.isArray(wanted) && Array.isArray(actual)) return actual.map((value, i) => project(value, wanted[i]));
  if (!isRecord(wanted) || !isRecord(actual)) return actual;
  return Object.fromEntries(Object.entries(wanted).map(([name, value]) => [name, project(actual[name], value)]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
