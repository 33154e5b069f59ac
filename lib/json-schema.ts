// Checks values against JSON Schemas that are part of Weir, with ajv. Schemas are compiled at their first use: a process meets few of them.
import { Ajv, type Options, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from '#lib/typebox.ts';

/**
 * An ajv for schemas of Weir's own. The schemas are not checked themselves (a test does that), and the code of the checks is left as ajv
 * writes it: both take longer than all that a process checks.
 */
export function ownSchemas(options: Options = {}): Ajv {
  return new Ajv({ strict: false, meta: false, validateSchema: false, code: { optimize: false }, ...options });
}

const plain = ownSchemas();

/** Whether a value has the form of the schema. */
export function fits<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  return plain.validate(schema, value);
}

/** The check of a schema, which is made and compiled at the first call. */
export function compiledLater(ajv: Ajv, schema: () => object): () => ValidateFunction {
  let made: ValidateFunction | null = null;
  return () => (made ??= ajv.compile(schema()));
}
