// Rules of Backends that a schema cannot express (CEL in the CRD), for Backends from files.
import { isIP } from 'node:net';
import { NOT_AN_ADDRESS, type Backend } from './backend.ts';
import type { FieldError } from './field-error.ts';

/** The rules that a Backend violates. */
export function checkBackend({ spec }: Backend): FieldError[] {
  return spec.endpoints.flatMap(({ ip }, i) => (isIP(ip) === 0 ? [{ field: `spec.endpoints[${i}].ip`, reason: NOT_AN_ADDRESS }] : []));
}
