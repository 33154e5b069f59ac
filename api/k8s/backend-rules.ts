// The rules of a Backend that a schema cannot state (CEL in the CRD), for Backends that come from files.
import { isIP } from 'node:net';
import { NOT_AN_ADDRESS, type Backend } from './backend.ts';
import type { FieldError } from './field-error.ts';

/** Every rule the Backend breaks. */
export function checkBackend({ spec }: Backend): FieldError[] {
  return spec.endpoints.flatMap(({ ip }, i) => (isIP(ip) === 0 ? [{ field: `spec.endpoints[${i}].ip`, reason: NOT_AN_ADDRESS }] : []));
}
