// OpenAPI documents 3.0 and 3.1: their operations by path and method, and everything that is checked by a schema.
import { err, ok, type Result } from '#lib/result.ts';
import { Faults, pointerOf, type DocumentFault, type DocumentPath } from './faults.ts';
import { mediaTypeOf } from './media-types.ts';
import { readParameters, type Parameter } from './parameter.ts';
import { lineOf, parseText, type Fields } from './reading.ts';
import { isObject, References, type Part } from './references.ts';
import { Schemas, type Direction, type Translated } from './schemas.ts';
import { serverPaths } from './servers.ts';
import { Templates, variablesOf, type TemplateMatch } from './templates.ts';
import { checkSchemas } from './validator.ts';

/** A body in one media type. */
export interface Media {
  readonly schema: Part | null;
  /** The object that describes it, with its examples. */
  readonly described: Fields;
}

/** Media types and ranges of them, in the order of the document. */
export type Content = readonly (readonly [string, Media])[];

export interface Answer {
  readonly content: Content;
  readonly headers: readonly { readonly name: string; readonly required: boolean; readonly schema: Part | null }[];
}

export interface Operation {
  /** `POST /users/{id}`. */
  readonly name: string;
  readonly method: string;
  /** The path below that of the server. */
  readonly template: string;
  /** The same with the paths of the servers. */
  readonly paths: readonly string[];
  readonly path: DocumentPath;
  readonly parameters: readonly Parameter[];
  /** Null: none is described. */
  readonly body: { readonly required: boolean; readonly content: Content } | null;
  /** By status such as `200`, by `2XX`, or `default`. */
  readonly answers: ReadonlyMap<string, Answer>;
}

/** The operations of a path, by method in upper case. */
export type PathOperations = ReadonlyMap<string, Operation>;

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;
const DEFAULT_DIALECT = /^https:\/\/(spec\.openapis\.org\/oas\/3\.1\/dialect\/|json-schema\.org\/draft\/2020-12\/schema)/;

/** A document that can be used. */
export class ApiDocument {
  readonly references: References;
  readonly operations: readonly Operation[];
  readonly #templates: Templates<PathOperations>;
  readonly #schemas: Schemas;

  constructor(references: References, schemas: Schemas, operations: readonly Operation[], templates: Templates<PathOperations>) {
    this.references = references;
    this.#schemas = schemas;
    this.operations = operations;
    this.#templates = templates;
  }

  /** The operations of a path with that of the server; null: the document has no such path. */
  find(path: string): TemplateMatch<PathOperations> | null {
    return this.#templates.find(path);
  }

  /** The schema at a place for the validator. */
  translate(part: Part, direction: Direction): readonly Translated[] {
    return this.#schemas.translate(part, direction);
  }
}

/** Reads a document. `basePath`: the path of the server in place of those in the document; null: those. */
export function readDocument(text: string, basePath: string | null = null): Result<ApiDocument, readonly DocumentFault[]> {
  const parsed = parseText(text);
  if (!parsed.ok) return parsed;
  const faults = new Faults();
  const document = new Reader(parsed.value, faults).read(basePath);
  return faults.list.length > 0 || document === null ? err(faults.list) : ok(document);
}

/** All faults of a document, also those of its schemas, which proxies compile when they need them. */
export function checkDocument(text: string): readonly DocumentFault[] {
  const read = readDocument(text);
  if (!read.ok) return read.error;
  const faults = new Faults();
  const parsed = parseText(text);
  const references = new References(parsed.ok ? parsed.value : null, faults);
  const schemas = new Schemas(references, faults, isOld(parsed.ok ? parsed.value : null));
  for (const { part, direction } of read.value.operations.flatMap(schemasOf)) checkSchemas(schemas.translate(part, direction), faults);
  return faults.list;
}

/** `line 7 (/paths/~1users/get): has no responses`. */
export function describeFault(text: string, { path, reason }: DocumentFault): string {
  return path.length === 0 ? `the document ${reason}` : `line ${lineOf(text, path)} (${pointerOf(path)}) ${reason}`;
}

function isOld(root: unknown): boolean {
  return isObject(root) && String(root['openapi']).startsWith('3.0');
}

/** A schema, and the messages that it is for. */
export interface DirectedSchema {
  readonly part: Part;
  readonly direction: Direction;
}

/** Every schema of an operation. */
export function schemasOf({ parameters, body, answers }: Operation): readonly DirectedSchema[] {
  const ofContent = (content: Content): readonly (Part | null)[] => content.map(([, { schema }]) => schema);
  const request = [...parameters.map(({ schema }) => schema), ...ofContent(body?.content ?? [])];
  const answer = [...answers.values()].flatMap(({ content, headers }) => [...ofContent(content), ...headers.map(({ schema }) => schema)]);
  return [
    ...request.flatMap((part) => (part === null ? [] : [{ part, direction: 'request' as const }])),
    ...answer.flatMap((part) => (part === null ? [] : [{ part, direction: 'answer' as const }])),
  ];
}

/** Reads the structure of a document; schemas are left for later. */
class Reader {
  readonly #root: unknown;
  readonly #faults: Faults;
  readonly #references: References;
  readonly #templates = new Templates<PathOperations>();
  readonly #operations: Operation[] = [];

  constructor(root: unknown, faults: Faults) {
    this.#root = root;
    this.#faults = faults;
    this.#references = new References(root, faults);
  }

  read(basePath: string | null): ApiDocument | null {
    const root = this.#root;
    if (!isObject(root)) return this.#fault([], 'must be an object with openapi and paths');
    const { openapi, swagger, paths, jsonSchemaDialect } = root;
    if (swagger !== undefined) return this.#fault(['swagger'], 'is Swagger 2.0; convert the document to OpenAPI 3.1');
    if (!/^3\.[01](\.|$)/.test(String(openapi))) return this.#fault(['openapi'], 'must be 3.0 or 3.1');
    if (jsonSchemaDialect !== undefined && !DEFAULT_DIALECT.test(String(jsonSchemaDialect)))
      return this.#fault(['jsonSchemaDialect'], 'is not supported; use that of JSON Schema 2020-12');
    if (!isObject(paths)) return this.#fault(['paths'], 'must be an object');
    for (const [template, item] of Object.entries(paths)) this.#readPath(template, item, basePath);
    return new ApiDocument(this.#references, new Schemas(this.#references, this.#faults, isOld(root)), this.#operations, this.#templates);
  }

  #readPath(template: string, value: unknown, basePath: string | null): void {
    if (template.startsWith('x-')) return;
    const path = ['paths', template];
    if (!template.startsWith('/')) return void this.#fault(path, 'must begin with /');
    const item = this.#references.objectAt({ value, path });
    if (item === null) return;
    const bases = basePath === null ? serverPaths([this.#root as Fields, item.value], this.#faults) : [basePath];
    const paths = [...new Set(bases)].map((base) => `${base.replace(/\/+$/, '')}${template}`);
    const operations = METHODS.flatMap((method) => {
      const operation = item.value[method] === undefined ? null : this.#operation(template, method, item);
      return operation === null ? [] : [{ ...operation, paths }];
    });
    this.#operations.push(...operations);
    const byMethod = new Map(operations.map((operation) => [operation.method, operation]));
    for (const each of paths) if (this.#templates.add(each, byMethod) !== null) this.#fault(path, 'matches the same paths as another one');
  }

  #operation(
    template: string,
    method: string,
    item: { readonly value: Fields; readonly path: DocumentPath },
  ): Omit<Operation, 'paths'> | null {
    const found = this.#references.objectAt({ value: item.value[method], path: [...item.path, method] });
    if (found === null) return null;
    const { value, path } = found;
    const lists = [
      { value: item.value['parameters'], path: [...item.path, 'parameters'] },
      { value: value['parameters'], path: [...path, 'parameters'] },
    ];
    const parameters = readParameters(lists, this.#references, this.#faults);
    const variables = new Set(variablesOf(template));
    for (const { in: place, name } of parameters)
      if (place === 'path' && !variables.has(name)) this.#fault(path, `has the path parameter ${name}, which is not in ${template}`);
    return {
      name: `${method.toUpperCase()} ${template}`,
      method: method.toUpperCase(),
      template,
      path,
      parameters,
      body: this.#body({ value: value['requestBody'], path: [...path, 'requestBody'] }),
      answers: this.#answers({ value: value['responses'], path: [...path, 'responses'] }),
    };
  }

  #body(part: Part): Operation['body'] {
    const found = part.value === undefined ? null : this.#references.objectAt(part);
    if (found === null) return null;
    const { value, path } = found;
    return { required: value['required'] === true, content: this.#content({ value: value['content'], path: [...path, 'content'] }) };
  }

  #content({ value, path }: Part): Content {
    if (value === undefined) return [];
    if (!isObject(value)) return this.#fault(path, 'must be an object') ?? [];
    return Object.entries(value).flatMap(([type, inner]): readonly (readonly [string, Media])[] => {
      const media = this.#references.objectAt({ value: inner, path: [...path, type] });
      if (media === null) return [];
      const { schema } = media.value;
      const part = schema === undefined ? null : { value: schema, path: [...media.path, 'schema'] };
      return [[mediaTypeOf(type), { schema: part, described: media.value }]];
    });
  }

  #answers({ value, path }: Part): ReadonlyMap<string, Answer> {
    if (value === undefined) return new Map();
    if (!isObject(value)) return this.#fault(path, 'must be an object') ?? new Map();
    const entries = Object.entries(value).flatMap(([status, inner]): readonly (readonly [string, Answer])[] => {
      if (status.startsWith('x-')) return [];
      if (!/^([1-5]([0-9]{2}|XX)|default)$/.test(status)) this.#fault([...path, status], 'must be a status like 200 or 2XX, or default');
      const found = this.#references.objectAt({ value: inner, path: [...path, status] });
      return found === null ? [] : [[status, this.#answer(found)]];
    });
    return new Map(entries);
  }

  #answer({ value, path }: { readonly value: Fields; readonly path: DocumentPath }): Answer {
    const headers = isObject(value['headers']) ? Object.entries(value['headers']) : [];
    return {
      content: this.#content({ value: value['content'], path: [...path, 'content'] }),
      headers: headers.flatMap(([name, inner]) => {
        const found = this.#references.objectAt({ value: inner, path: [...path, 'headers', name] });
        if (found === null || name.toLowerCase() === 'content-type') return [];
        const { schema, required } = found.value;
        const part = schema === undefined ? null : { value: schema, path: [...found.path, 'schema'] };
        return [{ name: name.toLowerCase(), required: required === true, schema: part }];
      }),
    };
  }

  #fault(path: DocumentPath, reason: string): null {
    this.#faults.add(path, reason);
    return null;
  }
}
