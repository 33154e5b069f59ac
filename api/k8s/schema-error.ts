// Converts an error of the schema checker into a field path and a reason that helps a user.
import type { ErrorObject } from 'ajv';
import { didYouMean } from '#lib/nearest.ts';
import { fieldOf, type FieldError } from './field-error.ts';
import { YAML_BOOLEANS } from './yaml-words.ts';

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
  return names.reduce((path, name) => (/^[0-9]+$|[./]/.test(name) ? `${path}[${name}]` : fieldOf(path, name)), '');
}

type Words = Readonly<Record<string, unknown>>;
type Reason = (params: Words, schema: Words, value: unknown) => string;

/** By keyword of JSON Schema. */
const REASONS: ReadonlyMap<string, Reason> = new Map<string, Reason>([
  ['type', (params, schema, value) => typeReason(String(params['type']), schema['~must'], value)],
  ['const', (params) => `must be ${String(params['allowedValue'])}`],
  ['enum', (params, _, value) => enumReason((params['allowedValues'] as unknown[]).map(String), value)],
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
  ['minProperties', (params, schema) => `must be ${String(schema['~must'] ?? `an object with ${String(params['limit'])} fields`)}`],
  ['maxProperties', (params, schema) => `must be ${String(schema['~must'] ?? `an object with ${String(params['limit'])} fields at most`)}`],
  ['maxItems', (params) => `must have at most ${String(params['limit'])} entries`],
]);

function reasonOf(error: ErrorObject): string {
  const reason = REASONS.get(error.keyword);
  return reason?.(error.params, error.parentSchema ?? {}, error.data) ?? error.message ?? 'is invalid';
}

/** Also for a word that YAML 1.1 takes for a boolean: `mode: Off` arrives as false. */
function enumReason(words: readonly string[], value: unknown): string {
  const meant = words.find((word) => typeof value === 'boolean' && YAML_BOOLEANS.get(word.toLowerCase()) === value);
  const hint =
    meant === undefined ? didYouMean(String(value), words) : `; write "${meant}" in quotes: without them YAML reads ${String(value)}`;
  return `must be one of ${words.join(', ')}${hint}`;
}

/** `must`: the words of the schema for the form that is wanted. */
function typeReason(type: string, must: unknown, value: unknown): string {
  return `must be ${String(must ?? article(type))}${must === undefined ? quotingHint(type, value) : ''}`;
}

/** The hint for text that YAML reads as a number or a boolean, and for a number that quotes make text. */
function quotingHint(type: string, value: unknown): string {
  if (type === 'string' && ['number', 'boolean'].includes(typeof value)) return `; write "${String(value)}" in quotes`;
  const isNumber = type === 'integer' && typeof value === 'string' && /^-?[0-9]+$/.test(value);
  const isBoolean = type === 'boolean' && (value === 'true' || value === 'false');
  return isNumber || isBoolean ? `; write ${String(value)} without quotes` : '';
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function unknownField(name: string, error: ErrorObject): string {
  const known = Object.keys((error.parentSchema?.['properties'] as object | undefined) ?? {});
  return `is not a known field${didYouMean(name, known)}`;
}
