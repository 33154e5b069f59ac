// Converts the schemas of api/k8s to structural schemas of an API server: the same rules without unsupported keywords.
import type { TSchema } from '#lib/typebox.ts';

/** An OpenAPI v3 schema of a CustomResourceDefinition. */
export type StructuralSchema = Readonly<Record<string, unknown>>;

type JsonSchema = Readonly<Record<string, unknown>>;

/** Keywords with the same meaning in both schemas. */
const SHARED = [
  'type',
  'description',
  'default',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'x-kubernetes-validations',
];
const TRANSLATED = ['properties', 'patternProperties', 'required', 'items', 'additionalProperties', '~minimum', '~maximum'];
/** Keywords for other uses: TypeScript types, messages, the compiler. */
const NOT_RULES = [
  '~kind',
  '~optional',
  '~unsafe',
  '~unit',
  '~must',
  '~form',
  '~whole',
  '~unresolved',
  '~reference',
  '~content',
  '~otherwise',
  '~like',
];

/** Throws for an unknown keyword, so that no rule is lost. */
export function structuralSchema(schema: TSchema): StructuralSchema {
  return convert(schema as unknown as JsonSchema, '');
}

function refuseUnknown(schema: JsonSchema, path: string): void {
  const unknown = Object.keys(schema).filter((keyword) => ![...SHARED, ...TRANSLATED, ...NOT_RULES].includes(keyword));
  if (unknown.length > 0) throw new Error(`${path || 'the schema'} uses ${unknown.join(', ')}, which has no translation`);
}

function convert(schema: JsonSchema, path: string): StructuralSchema {
  refuseUnknown(schema, path);
  const kept: Record<string, unknown> = {};
  for (const keyword of SHARED) if (schema[keyword] !== undefined) kept[keyword] = schema[keyword];
  if (schema['enum'] !== undefined) kept['type'] = 'string';
  if (schema['items'] !== undefined) kept['items'] = convert(schema['items'] as JsonSchema, `${path}[]`);
  if (schema['properties'] !== undefined) Object.assign(kept, convertFields(schema, path));
  if (schema['patternProperties'] !== undefined) Object.assign(kept, convertMap(schema, path));
  if (Array.isArray(schema['type'])) return intOrString(kept, schema);
  // An unknown value: it is neither validated nor pruned.
  return kept['type'] === undefined ? { ...kept, 'x-kubernetes-preserve-unknown-fields': true } : kept;
}

/** A map with any keys. */
function convertMap(schema: JsonSchema, path: string): StructuralSchema {
  const [[keys, values] = [], ...others] = Object.entries(schema['patternProperties'] as Readonly<Record<string, JsonSchema>>);
  if (keys !== '^.*$' || values === undefined || others.length > 0)
    throw new Error(`${path} has rules for keys, which have no translation`);
  return { additionalProperties: convert(values, `${path}.*`) };
}

/** A size: a number or a quantity. */
function intOrString({ type: _type, minimum: _minimum, ...kept }: Record<string, unknown>, schema: JsonSchema): StructuralSchema {
  const bound = (word: string, operator: string, bytes: unknown) => ({
    rule: `quantity(string(self)).compareTo(quantity('${String(bytes)}')) ${operator} 0`,
    message: `must be at ${word} ${String(bytes)} bytes`,
  });
  if (schema['~minimum'] === undefined) return { ...kept, 'x-kubernetes-int-or-string': true };
  const validations = [bound('least', '>=', schema['~minimum']), bound('most', '<=', schema['~maximum'])];
  return { ...kept, 'x-kubernetes-int-or-string': true, 'x-kubernetes-validations': validations };
}

/** Without `additionalProperties: false`: an API server prunes unknown fields, or refuses them with strict validation. */
function convertFields(schema: JsonSchema, path: string): StructuralSchema {
  const fields = Object.entries(schema['properties'] as Readonly<Record<string, JsonSchema>>);
  const isRepeated = schema['~like'] !== undefined;
  const converted = fields.map(([name, field]) => [name, convert(field, `${path}.${name}`)] as const);
  const properties = Object.fromEntries(isRepeated ? converted.map(([name, field]) => [name, withOwnText(field)]) : converted);
  // A default is filled in before the object is checked, so the field may be left out.
  const defaulted = fields.filter(([, field]) => field['default'] !== undefined).map(([name]) => name);
  const required = ((schema['required'] ?? []) as readonly string[]).filter((name) => !defaulted.includes(name));
  return { properties, ...(required.length > 0 && { required }) };
}

/**
 * The schema without the descriptions of what is in it, which is described at the path that `~like` names. A definition with the same texts at five
 * places is too large for `kubectl apply`, which stores a copy of it in an annotation (262,144 bytes at most).
 */
function withOwnText({ description, ...schema }: StructuralSchema): StructuralSchema {
  return { ...withoutText(schema), ...(description !== undefined && { description }) };
}

function withoutText({ description: _description, ...schema }: StructuralSchema): StructuralSchema {
  const { properties, items, additionalProperties } = schema as Readonly<
    Record<string, Readonly<Record<string, StructuralSchema>> | undefined>
  >;
  const bare: Record<string, unknown> = { ...schema };
  if (properties !== undefined)
    bare['properties'] = Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, withoutText(field)]));
  if (items !== undefined) bare['items'] = withoutText(items);
  if (additionalProperties !== undefined) bare['additionalProperties'] = withoutText(additionalProperties);
  return bare;
}
