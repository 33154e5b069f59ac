// Checks the configuration of a plugin by the JSON Schema of its author. Both come from users: the patterns are those of RE2, and a schema
// that refers to itself is refused, so that the work is limited by the size of both.
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import type { FieldError } from '../field-error.ts';

/** Characters of a schema, and faults of a configuration that are told. */
const MAX_SCHEMA = 65_536;
const MAX_FAULTS = 10;
const REFERENCES = new Set(['$ref', '$dynamicRef', '$recursiveRef']);

/** Linear in the length of the text, unlike RegExp. The compiler of schemas tells patterns from each other by their texts. */
function engine(pattern: string): { test(text: string): boolean; toString(): string } {
  const compiled = RE2JS.compile(pattern);
  return { test: (text) => compiled.matcher(text).find(), toString: () => pattern };
}
engine.code = 're2';

/** The faults of a configuration, or of its schema; both are below a field. */
export function checkConfig(config: unknown, schema: object, field: string): FieldError[] {
  const fault = (reason: string): FieldError[] => [{ field: `${field}.configSchema`, reason }];
  if (JSON.stringify(schema).length > MAX_SCHEMA) return fault(`must have ${MAX_SCHEMA} characters at most`);
  if (refers(schema)) return fault('must not have $ref: write each schema where it is used');
  const ajv = new Ajv2020({ allErrors: true, strict: false, validateFormats: false, logger: false, code: { regExp: engine } });
  try {
    const validate = ajv.compile(schema);
    return validate(config) ? [] : (validate.errors ?? []).slice(0, MAX_FAULTS).map((error) => faultOf(error, field));
  } catch (error) {
    return fault(`is no JSON Schema: ${error instanceof Error ? error.message.slice(0, 200) : 'it cannot be read'}`);
  }
}

function refers(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, inner]) => REFERENCES.has(name) || refers(inner));
}

function faultOf({ instancePath, message = 'does not fit the schema', params }: ErrorObject, field: string): FieldError {
  const path = instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  const inner = path.map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`)).join('');
  const { additionalProperty: stranger } = params as { readonly additionalProperty?: string };
  return { field: `${field}.config${inner}`, reason: stranger === undefined ? message : `must not have the field ${stranger}` };
}
