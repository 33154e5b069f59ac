// Checks compiled resources against the schemas of the IR, as proxies do.
import { Ajv, type ValidateFunction } from 'ajv';
import * as ir from '#api/ir/ir.ts';

const ajv = new Ajv({ allErrors: true });
const VALIDATORS: ReadonlyMap<string, ValidateFunction> = new Map(
  ir.RESOURCE_KINDS.map(({ kind, schema }) => [kind, ajv.compile(schema)]),
);

/** The errors of the resource as text; '' if it is valid. */
export function irErrors(resource: { readonly kind: string }): string {
  const validate = VALIDATORS.get(resource.kind);
  if (validate === undefined) return `${resource.kind} is no kind of resource`;
  return validate(resource) ? '' : ajv.errorsText(validate.errors);
}
