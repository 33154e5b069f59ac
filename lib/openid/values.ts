// Values of the JSON objects that a provider sends.

/** The object that a JSON text contains; null if it contains none. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether a value is an object with members. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member if it is a text; '' otherwise. */
export function textOf(value: Readonly<Record<string, unknown>>, name: string): string {
  const member = Object.hasOwn(value, name) ? value[name] : '';
  return typeof member === 'string' ? member : '';
}

/** The time, in the unit of tokens: seconds since 1970. */
export function nowSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}
