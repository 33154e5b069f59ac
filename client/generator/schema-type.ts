// A type of TypeScript for a JSON Schema, as far as the admin API uses schemas. A schema of another form is an error, not a wrong type.

export type Schema = Readonly<Record<string, unknown>>;

/** The type as text, with the descriptions of members. `indent`: that of the line where it begins. */
export function typeOf(schema: Schema, indent = ''): string {
  for (const word of ['$ref', 'allOf', 'not', 'if']) if (word in schema) throw new Error(`the generator knows no ${word}`);
  if ('const' in schema) return literal(schema['const']);
  if ('enum' in schema) return (schema['enum'] as readonly unknown[]).map(literal).join(' | ');
  const parts = (schema['anyOf'] ?? schema['oneOf']) as readonly Schema[] | undefined;
  if (parts !== undefined) return [...new Set(parts.map((part) => typeOf(part, indent)))].join(' | ');
  const { type } = schema;
  if (Array.isArray(type)) return type.map((each) => typeOf({ ...schema, type: each as unknown }, indent)).join(' | ');
  return plainType(schema, indent);
}

function literal(value: unknown): string {
  return typeof value === 'string' && /^[^'\\\n]*$/.test(value) ? `'${value}'` : JSON.stringify(value);
}

const SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  null: 'null',
};

function plainType(schema: Schema, indent: string): string {
  const { type } = schema;
  if (type === undefined) return 'unknown';
  const scalar = SCALARS[String(type)];
  if (scalar !== undefined) return scalar;
  if (type === 'array') return listType(schema, indent);
  if (type === 'object') return objectType(schema, indent);
  throw new Error(`the generator knows no type ${JSON.stringify(type)}`);
}

function listType({ items = {} }: Schema, indent: string): string {
  const item = typeOf(items as Schema, indent);
  // In a list the members of a union need parentheses; an object ends with a brace.
  return `readonly ${/^[\w'"]+$/.test(item) || (item.startsWith('{') && isOneObject(items as Schema)) ? item : `(${item})`}[]`;
}

function isOneObject(schema: Schema): boolean {
  return schema['type'] === 'object';
}

function objectType(schema: Schema, indent: string): string {
  const properties = Object.entries((schema['properties'] ?? {}) as Readonly<Record<string, Schema>>);
  if (properties.length > 0) {
    const required = new Set((schema['required'] ?? []) as readonly string[]);
    return membersOf(
      properties.map(([name, each]) => ({ name, schema: each, required: required.has(name) })),
      indent,
    );
  }
  const values = Object.values((schema['patternProperties'] ?? {}) as Readonly<Record<string, Schema>>);
  const { additionalProperties } = schema;
  if (typeof additionalProperties === 'object' && additionalProperties !== null) values.push(additionalProperties as Schema);
  if (values.length > 0) return `Readonly<Record<string, ${values.map((each) => typeOf(each, indent)).join(' | ')}>>`;
  return additionalProperties === false ? 'Readonly<Record<string, never>>' : 'Readonly<Record<string, unknown>>';
}

/** A member of an object. */
export interface Member {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
}

/** The type of an object with these members. */
export function membersOf(members: readonly Member[], indent: string): string {
  const lines = members.flatMap(({ name, schema, required }) => {
    const key = /^[A-Za-z_]\w*$/.test(name) ? name : `'${name}'`;
    const type = typeOf(schema, `${indent}  `);
    return [...commentOf(schema['description'], `${indent}  `), `${indent}  readonly ${key}${required ? '' : '?'}: ${type};`];
  });
  return ['{', ...lines, `${indent}}`].join('\n');
}

/** The lines of a doc comment; none without a text. */
export function commentOf(text: unknown, indent: string): readonly string[] {
  return typeof text === 'string' && text !== '' ? [`${indent}/** ${text.replaceAll('*/', '*\\/').replaceAll(/\s+/g, ' ')} */`] : [];
}
