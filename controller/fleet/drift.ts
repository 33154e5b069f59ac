// Whether an object is as it was applied, though the API server has filled in more.

/** True when everything desired is there. What is beyond it belongs to the API server or to somebody else. */
export function holds(actual: unknown, desired: unknown): boolean {
  if (Array.isArray(desired)) return holdsList(actual, desired);
  if (typeof desired !== 'object' || desired === null) return actual === desired;
  const fields = Object.entries(desired);
  if (fields.length === 0) return true;
  if (typeof actual !== 'object' || actual === null) return false;
  return fields.every(([name, value]) => Object.hasOwn(actual, name) && holds((actual as Readonly<Record<string, unknown>>)[name], value));
}

function holdsList(actual: unknown, desired: readonly unknown[]): boolean {
  if (desired.length === 0) return actual === undefined || (Array.isArray(actual) && actual.length === 0);
  return Array.isArray(actual) && actual.length === desired.length && desired.every((value, i) => holds(actual[i], value));
}

/** What an object has of the fields that are desired: to compare it with itself later, where the server writes values its own way. */
export function project(actual: unknown, desired: unknown): unknown {
  if (Array.isArray(desired) && Array.isArray(actual)) return actual.map((value, i) => project(value, desired[i]));
  if (!isRecord(desired) || !isRecord(actual)) return actual;
  return Object.fromEntries(Object.entries(desired).map(([name, value]) => [name, project(actual[name], value)]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
