// Converts an error of the schema checker into a field path and a reason that helps a user.
import type { ErrorObject } from 'ajv';
import { didYouMean } from '#lib/nearest.ts';
import { fieldOf, type FieldError } from './field-error.ts';

/** The path and reason of one schema error. */
export function describeSchemaError(error: ErrorObject): FieldError {
  const field = pathOf(error.instancePath);
  if (error.keyword === 'required') return { field: fieldOf(field, String(error.params['missingProperty'])), reason: 'is required' };
  if (error.keyword !== 'additionalProperties') return { field, reason: reasonOf(error) };
  const name = String(error.params['additionalProperty']);
  return { field: fieldOf(field, name), reason: unknownField(name, error) };
}

/** `/spec/rules/0/matches/1/path` as `spec.rules[0].matches[1].path`. */
function pathOf(instancePath: string): string {
  const parts = instancePath.split('/').slice(1);
  const names = parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  return names.reduce((path, name) => (/^[0-9]+$/.test(name) ? `${path}[${name}]` : fieldOf(path, name)), '');
}

type Reason = (params: Readonly<Record<string, unknown>>, schema: Readonly<Record<string, unknown>>) => string;

/** By keyword of JSON Schema. */
const REASONS: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['type', (params, schema) => `must be ${String(schema['~must'] ?? article(String(params['type'])))}`],
  ['const', (params) => `must be ${String(params['allowedValue'])}`],
  ['enum', (params) => `must be one of ${(params['allowedValues'] as unknown[]).join(', ')}`],
  [
    'pattern',
    (params, schema) => `must be ${String(schema['~must'] ?? schema['description'] ?? `a match of ${String(params['pattern'])}`)}`,
  ],
  ['minimum', (params) => `must be at least ${String(params['limit'])}`],
  ['maximum', (params) => `must be at most ${String(params['limit'])}`],
  ['minLength', (params) => (params['limit'] === 1 ? 'must not be empty' : `must have at least ${String(params['limit'])} characters`)],
  ['maxLength', (params) => `must have at most ${String(params['limit'])} characters`],
  ['minItems', (params) => (params['limit'] === 1 ? 'must not be empty' : `must have at least ${String(params['limit'])} entries`)],
  ['uniqueItems', () => 'must not hold the same entry twice'],
  ['maxItems', (params) => `must have at most ${String(params['limit'])} entries`],
]);

function reasonOf(error: ErrorObject): string {
  const reason = REASONS.get(error.keyword);
  return reason?.(error.params, error.parentSchema ?? {}) ?? error.message ?? 'is invalid';
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function unknownField(name: string, error: ErrorObject): string {
  const known = Object.keys((error.parentSchema?.['properties'] as object | undefined) ?? {});
  return `is not a known field${didYouMean(name, known)}`;
}
