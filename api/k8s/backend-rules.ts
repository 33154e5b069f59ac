// Rules of Backends that a schema cannot express (CEL in the CRD), for Backends from files.
import { isIP } from 'node:net';
import { NOT_AN_ADDRESS, ONE_SOURCE, type Backend } from './backend.ts';
import { sourcesIn } from './backend-source/index.ts';
import type { FieldError } from './field-error.ts';

/** The rules that a Backend violates. */
export function checkBackend({ spec }: Backend): FieldError[] {
  const { endpoints = [] } = spec;
  const sources = sourcesIn(spec);
  const count = sources.length + (spec.endpoints === undefined ? 0 : 1);
  return [
    ...(count === 1 ? [] : [{ field: 'spec', reason: ONE_SOURCE }]),
    ...endpoints.flatMap(({ ip }, i) => (isIP(ip) === 0 ? [{ field: `spec.endpoints[${i}].ip`, reason: NOT_AN_ADDRESS }] : [])),
    ...sources.flatMap(({ source, errors }) =>
      errors.map(({ field, reason }) => ({ field: `spec.${source}${field === '' ? '' : `.${field}`}`, reason })),
    ),
  ];
}
