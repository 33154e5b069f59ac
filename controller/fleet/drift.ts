// Compares a live object with its manifest. Fields that the API server has added are ignored.

/** Whether the object has all desired values. Its other fields belong to the API server or to other clients. */
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

/** The live values of the desired fields, for a later comparison if the server normalises values. */
export function project(actual: unknown, desired: unknown): unknown {
  if (Array.isArray(desired) && Array.isArray(actual)) return actual.map((value, i) => project(value, desired[i]));
  if (!isRecord(desired) || !isRecord(actual)) return actual;
  return Object.fromEntries(Object.entries(desired).map(([name, value]) => [name, project(actual[name], value)]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
