// A value, or the reasons why there is none. Weir returns a user's mistakes this way instead of throwing.

/** Success with a value, or failure with an error of type E. */
export type Result<T, E = string> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/** Wraps a value as success. */
export function ok<T>(value: T): Result<T, never> {
  return { ok: true, value };
}

/** Wraps a reason as failure. */
export function err<E>(error: E): Result<never, E> {
  return { ok: false, error };
}
