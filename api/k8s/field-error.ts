// An error in one field of an object, as text for its author.

/** `field` is a path like `spec.rules[0].matches[1].path.value`; '' is the whole object. */
export interface FieldError {
  readonly field: string;
  readonly reason: string;
}

/** Appends the name of a field to a path. */
export function fieldOf(parent: string, name: string): string {
  return parent === '' ? name : `${parent}.${name}`;
}

/** `field: reason`, the form in messages. */
export function describeError(error: FieldError): string {
  return error.field === '' ? error.reason : `${error.field}: ${error.reason}`;
}
