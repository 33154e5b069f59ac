// What is wrong with one field of an object, in words for the person who wrote it.

/** `field` is a path like `spec.rules[0].matches[1].path.value`; '' means the whole object. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

/** Joins a path and the name of a field in it. */
export function fieldOf(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}

/** `field: reason`, the spelling in messages. */
export function describeError(error: FieldError): string {
  return error.field === '' ? error.reason : `${error.field}: ${error.reason}`;
}
