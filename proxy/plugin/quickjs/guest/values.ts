// Values of plugins.

const MAX_REASON = 500;

/** The text of any value. What a plugin throws may itself throw. */
export function describe(value: unknown): string {
  try {
    if (typeof value === 'string') return value;
    const { name, message } = value as { name?: unknown; message?: unknown };
    if (typeof message === 'string') return `${typeof name === 'string' ? name : 'Error'}: ${message}`.slice(0, MAX_REASON);
    return String(value).slice(0, MAX_REASON);
  } catch {
    return 'an exception that cannot be shown';
  }
}

/** The value, which cannot be changed any more. */
export function deepFrozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFrozen(inner);
  return Object.freeze(value);
}
