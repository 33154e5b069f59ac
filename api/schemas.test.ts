// Weir's schemas are used without a check (lib/json-schema.ts): here they are checked.
import { expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { RESOURCE_KINDS } from './ir/ir.ts';
import { KINDS } from './k8s/kinds.ts';
import { POLICIES } from './k8s/policies.ts';
import { settingsSchema } from './policy/settings.ts';

const SCHEMAS: readonly (readonly [string, object])[] = [
  ...Object.entries(KINDS).map(([kind, { schema }]) => [`the kind ${kind}`, schema] as const),
  ...RESOURCE_KINDS.map(({ kind, schema }) => [`the resource ${kind}`, schema] as const),
  ...POLICIES.map(({ kind, settings }) => [`the settings of ${kind}`, settingsSchema(settings)] as const),
];

test.each(SCHEMAS)('%s: its schema is a JSON Schema', (_name, schema) => {
  const ajv = new Ajv({ strict: false });
  expect([ajv.validateSchema(schema), ajv.errors]).toEqual([true, null]);
});
