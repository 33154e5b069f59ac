// Writes the files of operations/ from the OpenAPI document of the admin API: one for each area, with types and facts, and index.ts.
import { commentOf, membersOf, typeOf, type Member, type Schema } from './schema-type.ts';

/** The part of the document that the generator reads. */
export interface ClientDocument {
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ClientOperation>>>>;
}

interface Content {
  readonly schema: Schema;
}

interface ClientOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly deprecated?: boolean;
  readonly parameters: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, Content>>; readonly 'x-codes'?: readonly string[] }>
  >;
}

interface Located {
  readonly method: string;
  readonly path: string;
  readonly operation: ClientOperation;
}

/** The files by their names. */
export function clientFiles({ tags, paths }: ClientDocument): ReadonlyMap<string, string> {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Located => ({ method: method.toUpperCase(), path, operation })),
  );
  const areas = tags.map(({ name }) => ({ name, operations: all.filter(({ operation }) => operation.tags[0] === name) }));
  const homeless = all.find(({ operation }) => !tags.some(({ name }) => name === operation.tags[0]));
  if (homeless !== undefined) throw new Error(`${homeless.operation.operationId} is in no area`);
  const used = areas.filter(({ operations }) => operations.length > 0);
  return new Map([
    ...used.map(({ name, operations }) => [`${name}.ts`, areaFile(name, operations)] as const),
    ['index.ts', indexFile(used)],
  ]);
}

const HEAD = 'Written by `npm run client` from the OpenAPI document of the admin API.';

function areaFile(name: string, operations: readonly Located[]): string {
  const types = operations.flatMap(typesOf);
  const facts = operations.map(({ method, path, operation }) => {
    const streams = streamOf(operation);
    const uploads = uploadOf(operation);
    const rest = uploads === null ? '' : `, uploads: '${uploads}'`;
    return `  '${operation.operationId}': { method: '${method}', path: '${path}', streams: ${streams === null ? 'null' : `'${streams}'`}${rest} },`;
  });
  return [
    `// The operations of ${name}. ${HEAD}`,
    "import type { OperationFacts } from '../operation.ts';",
    '',
    `export interface ${typeName(name)} {`,
    ...types,
    '}',
    '',
    `export const ${constantName(name)}: Readonly<Record<keyof ${typeName(name)}, OperationFacts>> = {`,
    ...facts,
    '};',
    '',
  ].join('\n');
}

function indexFile(areas: readonly { readonly name: string }[]): string {
  const imports = areas.map(({ name }) => `import { ${constantName(name)}, type ${typeName(name)} } from './${name}.ts';`);
  return [
    `// All operations. ${HEAD}`,
    "import type { OperationFacts } from '../operation.ts';",
    ...imports,
    '',
    'export interface Operations',
    `  extends ${areas.map(({ name }) => typeName(name)).join(',\n    ')} {}`,
    '',
    'export const OPERATIONS: Readonly<Record<keyof Operations, OperationFacts>> = {',
    ...areas.map(({ name }) => `  ...${constantName(name)},`),
    '};',
    '',
  ].join('\n');
}

function typesOf({ operation }: Located): readonly string[] {
  const { operationId, summary, description, deprecated } = operation;
  const codes = Object.values(operation.responses).flatMap((response) => response['x-codes'] ?? []);
  return [
    ...commentOf(`${summary}.${description === undefined ? '' : ` ${description}`}${deprecated === true ? ' @deprecated' : ''}`, '  '),
    `  readonly '${operationId}': {`,
    `    readonly input: ${inputOf(operation)};`,
    `    readonly answer: ${answerOf(operation)};`,
    `    readonly streams: ${String(streamOf(operation) !== null)};`,
    `    readonly code: ${codes.length === 0 ? 'never' : [...new Set(codes)].map((code) => `'${code}'`).join(' | ')};`,
    '  };',
  ];
}

function inputOf(operation: ClientOperation): string {
  const body = operation.requestBody?.content['application/json']?.schema;
  const parts = [
    ...placeOf(operation, 'path', 'params'),
    ...placeOf(operation, 'query', 'query'),
    ...(body === undefined ? [] : [`      readonly body: ${typeOf(body, '      ')};`]),
    ...(uploadOf(operation) === null ? [] : ['      readonly upload: Uint8Array;']),
    ...ifMatchOf(operation),
  ];
  return parts.length === 0 ? 'Readonly<Record<string, never>>' : ['{', ...parts, '    }'].join('\n');
}

function placeOf({ parameters }: ClientOperation, place: string, name: string): readonly string[] {
  const members = parameters
    .filter((each) => each['in'] === place)
    .map((each): Member => ({ name: String(each['name']), schema: each['schema'] as Schema, required: each['required'] === true }));
  if (members.length === 0) return [];
  const optional = members.every(({ required }) => !required);
  return [`      readonly ${name}${optional ? '?' : ''}: ${membersOf(members, '      ')};`];
}

function ifMatchOf({ parameters }: ClientOperation): readonly string[] {
  const reference = parameters.map((each) => String(each['$ref'])).find((each) => each.endsWith('IfMatch'));
  if (reference === undefined) return [];
  const text = commentOf('The ETag that the object must have, without quotes; * for any state.', '      ');
  return [...text, `      readonly ifMatch${reference.endsWith('/IfMatch') ? '' : '?'}: string;`];
}

/** The content type of a body of bytes; null: the body is JSON, or there is none. */
function uploadOf({ requestBody }: ClientOperation): string | null {
  return Object.keys(requestBody?.content ?? {}).find((type) => type !== 'application/json') ?? null;
}

/** The answer of success, and its content type. */
function successOf({ responses }: ClientOperation): readonly [type: string, content: Content] | null {
  const [, response] = Object.entries(responses).find(([status]) => status < '400') ?? [];
  return Object.entries(response?.content ?? {})[0] ?? null;
}

function answerOf(operation: ClientOperation): string {
  const [, content] = successOf(operation) ?? [];
  return content === undefined ? 'undefined' : typeOf(content.schema, '    ');
}

function streamOf(operation: ClientOperation): string | null {
  const [type = 'application/json'] = successOf(operation) ?? [];
  return type === 'application/json' ? null : type;
}

function typeName(area: string): string {
  return `${area.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}Operations`;
}

function constantName(area: string): string {
  return area.replaceAll('-', '_').toUpperCase();
}
