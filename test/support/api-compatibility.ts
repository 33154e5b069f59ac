// The breaks that a change of the admin API means for callers of an earlier release, by the two OpenAPI documents. docs/reference/admin.md has the
// policy that this holds.
export type Json = Readonly<Record<string, unknown>>;

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: Json }>>;
  readonly 'x-codes'?: readonly string[];
}

interface Operation {
  readonly operationId: string;
  readonly security: readonly unknown[];
  readonly parameters: readonly Json[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> };
  readonly responses: Readonly<Record<string, Response>>;
  readonly 'x-permission': string | null;
  readonly 'x-scope': string;
}

/** The part of a document that callers depend on. */
export interface ReleasedDocument {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Members for people, which may change. */
const PROSE: ReadonlySet<string> = new Set(['summary', 'description', 'example', 'x-unknown', 'tags', 'default']);

/** The document without its prose. */
export function releasedDocument(text: string): ReleasedDocument {
  const { info, paths } = JSON.parse(text) as ReleasedDocument;
  const strip = (value: unknown, isNames = false): unknown => {
    if (Array.isArray(value)) return value.map((each) => strip(each));
    if (typeof value !== 'object' || value === null) return value;
    // The members of `properties` are names, not keywords.
    const kept = Object.entries(value).filter(([name]) => isNames || !PROSE.has(name));
    return Object.fromEntries(kept.map(([name, each]) => [name, strip(each, !isNames && name === 'properties')]));
  };
  return { info: { version: info.version }, paths: strip(paths) as ReleasedDocument['paths'] };
}

/** Each break in a sentence; none if callers of the earlier release go on. */
export function breaksOf(before: ReleasedDocument, after: ReleasedDocument): readonly string[] {
  return Object.entries(before.paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, operation]) => {
      const now = after.paths[path]?.[method];
      const name = `${method.toUpperCase()} ${path}`;
      if (now === undefined) return [`${name} is gone`];
      return operationBreaks(operation, now).map((reason) => `${name}: ${reason}`);
    }),
  );
}

function operationBreaks(before: Operation, after: Operation): readonly string[] {
  const [permission, scope] = [before['x-permission'], before['x-scope']];
  return [
    ...(before.operationId === after.operationId ? [] : [`its id ${before.operationId} is now ${after.operationId}`]),
    ...(permission === after['x-permission'] ? [] : [`its permission ${permission} is now ${after['x-permission']}`]),
    ...(scope === after['x-scope'] || after['x-scope'] === 'filtered' ? [] : [`its scope ${scope} is now ${after['x-scope']}`]),
    ...(before.security.length === 0 && after.security.length > 0 ? ['it needs credentials'] : []),
    ...parameterBreaks(before.parameters, after.parameters),
    ...bodyBreaks(before.requestBody, after.requestBody),
    ...answerBreaks(before.responses, after.responses),
  ];
}

function keyOf(parameter: Json): string {
  return String(parameter['$ref'] ?? `${String(parameter['in'])} ${String(parameter['name'])}`);
}

function isRequired(parameter: Json): boolean {
  return parameter['required'] === true || keyOf(parameter).endsWith('/IfMatch');
}

function parameterBreaks(before: Operation['parameters'], after: Operation['parameters']): readonly string[] {
  const [old, now] = [before, after].map((list) => new Map(list.map((each) => [keyOf(each), each])));
  const ofOld = [...(old ?? [])].flatMap(([key, each]) => {
    const other = now?.get(key);
    if (other === undefined) return key.endsWith('IfMatch') ? [] : [`the parameter ${key} is gone`];
    const schemas = [each['schema'], other['schema']] as readonly (Json | undefined)[];
    return [
      ...(isRequired(other) && !isRequired(each) ? [`the parameter ${key} is required`] : []),
      ...inputBreaks(schemas[0] ?? {}, schemas[1] ?? {}, key),
    ];
  });
  const ofNew = [...(now ?? [])].filter(([key, each]) => old?.has(key) === false && isRequired(each));
  return [...ofOld, ...ofNew.map(([key]) => `the new parameter ${key} is required`)];
}

function bodyBreaks(before: Operation['requestBody'], after: Operation['requestBody']): readonly string[] {
  if (after === undefined) return before === undefined ? [] : ['it takes no body any more'];
  if (before === undefined) return ['it needs a body'];
  return Object.entries(before.content).flatMap(([type, { schema }]) => {
    const now = after.content[type]?.schema;
    return now === undefined ? [`it takes no ${type}`] : inputBreaks(schema, now, 'body');
  });
}

function answerBreaks(before: Operation['responses'], after: Operation['responses']): readonly string[] {
  return Object.entries(before).flatMap(([status, response]) => {
    const now = after[status];
    if (now === undefined) return [`the status ${status} is gone`];
    const codes = (response['x-codes'] ?? []).filter((code) => now['x-codes']?.includes(code) !== true);
    return [
      ...codes.map((code) => `the code ${code} of ${status} is gone`),
      ...Object.entries(response.content ?? {}).flatMap(([type, { schema }]) => {
        const other = now.content?.[type]?.schema;
        return other === undefined ? [`${status} has no ${type}`] : outputBreaks(schema, other, `answer ${status}`);
      }),
    ];
  });
}

/** Limits that may only rise, and only fall. */
const CEILINGS = ['maxLength', 'maximum', 'maxItems'];
const FLOORS = ['minLength', 'minimum', 'minItems'];

/** A value that was valid is not any more. */
function inputBreaks(before: Json, after: Json, at: string): readonly string[] {
  const limit = (schema: Json, name: string, none: number) => (schema[name] ?? none) as number;
  return [
    ...[...typesOf(before)].filter((type) => !accepts(typesOf(after), type)).map((type) => `${at} may not be ${type} any more`),
    ...CEILINGS.filter((name) => limit(after, name, Infinity) < limit(before, name, Infinity)).map((name) => `${at}: ${name} is lower`),
    ...FLOORS.filter((name) => limit(after, name, -Infinity) > limit(before, name, -Infinity)).map((name) => `${at}: ${name} is higher`),
    ...(after['pattern'] === undefined || after['pattern'] === before['pattern'] ? [] : [`${at}: its pattern is another`]),
    ...(isOpen(before) && !isOpen(after) ? [`${at} takes no other members any more`] : []),
    ...membersOf(before).flatMap(([name, schema]) => {
      const other = memberOf(after, name);
      if (other === undefined) return isOpen(after) ? [] : [`${at}.${name} is gone`];
      return inputBreaks(schema, other, `${at}.${name}`);
    }),
    ...requiredOf(after)
      .filter((name) => !requiredOf(before).includes(name))
      .map((name) => `${at}.${name} is required`),
    ...itemsOf(before, after, (a, b) => inputBreaks(a, b, `${at}[]`)),
  ];
}

/** A reader of the answer misses something, or gets a type that it does not know. More members and more words are no break. */
function outputBreaks(before: Json, after: Json, at: string): readonly string[] {
  const types = [...typesOf(after)].filter((type) => !isWord(type) && !accepts(typesOf(before), type));
  return [
    ...types.map((type) => `${at} may be ${type}`),
    ...membersOf(before).flatMap(([name, schema]) => {
      const other = memberOf(after, name);
      return other === undefined ? [`${at}.${name} is gone`] : outputBreaks(schema, other, `${at}.${name}`);
    }),
    ...requiredOf(before)
      .filter((name) => memberOf(after, name) !== undefined && !requiredOf(after).includes(name))
      .map((name) => `${at}.${name} may be missing`),
    ...itemsOf(before, after, (a, b) => outputBreaks(a, b, `${at}[]`)),
  ];
}

/** The alternatives of a schema: names of types, and words as JSON. `any`: there is no limit. */
function typesOf(schema: Json): ReadonlySet<string> {
  if ('const' in schema) return new Set([JSON.stringify(schema['const'])]);
  if ('enum' in schema) return new Set((schema['enum'] as readonly unknown[]).map((value) => JSON.stringify(value)));
  const parts = (schema['anyOf'] ?? schema['oneOf']) as readonly Json[] | undefined;
  if (parts !== undefined) return new Set(parts.flatMap((part) => [...typesOf(part)]));
  const { type = 'any' } = schema;
  return new Set([type].flat().map(String));
}

function isWord(type: string): boolean {
  return type.startsWith('"');
}

/** Whether a value of this type has one of the types. */
function accepts(types: ReadonlySet<string>, type: string): boolean {
  if (types.has('any') || types.has(type)) return true;
  if (type === 'integer') return types.has('number');
  return isWord(type) && types.has('string');
}

/** The object among the alternatives of a schema. */
function objectIn(schema: Json): Json {
  const parts = (schema['anyOf'] ?? schema['oneOf']) as readonly Json[] | undefined;
  return parts === undefined ? schema : (parts.find((part) => part['properties'] !== undefined) ?? {});
}

function membersOf(schema: Json): readonly (readonly [string, Json])[] {
  return Object.entries((objectIn(schema)['properties'] ?? {}) as Readonly<Record<string, Json>>);
}

function memberOf(schema: Json, name: string): Json | undefined {
  return membersOf(schema).find(([each]) => each === name)?.[1];
}

function requiredOf(schema: Json): readonly string[] {
  return (objectIn(schema)['required'] ?? []) as readonly string[];
}

/** Whether an object takes members besides those of the schema. */
function isOpen(schema: Json): boolean {
  return objectIn(schema)['additionalProperties'] !== false;
}

function itemsOf(before: Json, after: Json, compare: (before: Json, after: Json) => readonly string[]): readonly string[] {
  const [old, now] = [before['items'], after['items']] as readonly (Json | undefined)[];
  return old === undefined || now === undefined ? [] : compare(old, now);
}
