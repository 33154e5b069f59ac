// Requests that a server of the admin API is sent for each operation of its document: right ones by the example, and wrong ones made of it.
import { Ajv2020 } from 'ajv/dist/2020.js';

type Json = Readonly<Record<string, unknown>>;

interface Content {
  readonly schema: Json;
  readonly example?: unknown;
}

/** An operation of an OpenAPI document, with the path that it is at. */
export interface DocumentedOperation {
  readonly method: string;
  readonly path: string;
  readonly operationId: string;
  readonly security: readonly Json[];
  readonly parameters: readonly Json[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Content>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
  readonly 'x-permission': string | null;
  readonly 'x-audited': boolean;
  readonly 'x-scope': 'all' | 'namespace' | 'filtered';
  readonly 'x-unknown'?: Readonly<Record<string, string>>;
}

export interface AdminDocument {
  readonly openapi: string;
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<DocumentedOperation, 'method' | 'path'>>>>>;
}

/** The operations of a document. */
export function operationsIn({ servers, paths }: AdminDocument): readonly DocumentedOperation[] {
  const [server] = servers;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, each]) => ({ ...each, method: method.toUpperCase(), path: `${server?.url ?? ''}${path}` })),
  );
}

/** The headers with the credentials of callers. */
export interface CallerHeaders {
  /** With all permissions. */
  readonly all: Readonly<Record<string, string>>;
  /** With none, or with some in a namespace that no example is in. */
  readonly none: Readonly<Record<string, string>>;
  /** Of operations without credentials: the cookies that their examples need. */
  readonly open: Readonly<Record<string, string>>;
}

/** A request, and the answer that it must get. */
export interface Check {
  readonly title: string;
  readonly request: Request;
  readonly status: number;
  /** The code of the problem; null: any. */
  readonly code: string | null;
  /** The field that the problem must name; null: none. */
  readonly field: string | null;
}

/** What an operation lacks for its tests. */
export function lacksOf(operation: DocumentedOperation): readonly string[] {
  const named = pathParameters(operation);
  const needsUnknown = named.length > 0 && operation['x-scope'] !== undefined;
  const [body, upload, answer] = [bodyOf(operation), uploadOf(operation), answerOf(operation)];
  const missing = {
    'example.unknown': needsUnknown && operation['x-unknown'] === undefined,
    'example.body': body !== null && body.example === undefined,
    'example.upload': upload !== null && upload.content['x-example-base64'] === undefined,
    'example.answer': answer !== null && answer.example === undefined,
  };
  return [
    ...named.filter(({ example }) => example === undefined).map(({ name }) => `example.params.${String(name)}`),
    ...Object.entries(missing).flatMap(([name, isMissing]) => (isMissing ? [name] : [])),
  ];
}

/** The wrong requests of an operation. */
export function refusalsOf(url: string, operation: DocumentedOperation, callers: CallerHeaders): readonly Check[] {
  const make = (parts: Parts) => requestOf(url, operation, { caller: callers.all, ...parts });
  const isOpen = operation.security.length === 0;
  const check = (title: string, status: number, code: string | null, parts: Parts, field: string | null = null): Check => ({
    ...{ title, status, code, field },
    request: make(parts),
  });
  return [
    ...(isOpen ? [] : [check('no credentials', 401, 'credentials-needed', { caller: null })]),
    ...(operation['x-permission'] === null || operation['x-scope'] === 'filtered'
      ? []
      : [check('a wrong role or tenant', 403, 'permission-needed', { caller: callers.none })]),
    check('an unknown parameter', 400, 'invalid-fields', { query: { 'no-such-parameter': '1' } }, 'query.no-such-parameter'),
    ...bodyRefusals(operation, check),
    ...(operation['x-unknown'] === undefined ? [] : [check('an unknown id', 404, null, { params: operation['x-unknown'] })]),
    ...preconditionRefusals(operation, check),
  ];
}

/** The request of the example. */
export function exampleOf(url: string, operation: DocumentedOperation, callers: CallerHeaders): Request {
  return requestOf(url, operation, { caller: operation.security.length === 0 ? callers.open : callers.all });
}

/** The status of success. */
export function statusOf({ responses }: DocumentedOperation): number {
  return Number(Object.keys(responses).find((status) => status < '400'));
}

/** Why the body of an answer does not have the schema of the document; '' if it has. */
export function answerTrouble(operation: DocumentedOperation, body: string): string {
  const content = answerOf(operation);
  if (content === null) return body === '' ? '' : 'the answer has a body';
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  return ajv.validate(content.schema, JSON.parse(body)) ? '' : ajv.errorsText();
}

interface Parts {
  readonly caller?: Readonly<Record<string, string>> | null;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly ifMatch?: string | null;
}

type MakeCheck = (title: string, status: number, code: string | null, parts: Parts, field?: string | null) => Check;

function bodyRefusals(operation: DocumentedOperation, check: MakeCheck): readonly Check[] {
  const content = bodyOf(operation);
  if (content === null) return [];
  const example = (content.example ?? {}) as Json;
  const required = (content.schema['required'] ?? []) as readonly string[];
  return [
    check('a body with an unknown member', 400, 'invalid-fields', { body: { ...example, 'no-such-member': true } }, 'body.no-such-member'),
    ...required.map((name) => {
      const { [name]: _, ...rest } = example;
      return check(`a body without ${name}`, 400, 'invalid-fields', { body: rest }, `body.${name}`);
    }),
  ];
}

function preconditionRefusals({ parameters }: DocumentedOperation, check: MakeCheck): readonly Check[] {
  const reference = String(parameters.find((each) => String(each['$ref']).endsWith('IfMatch'))?.['$ref'] ?? '');
  if (reference === '') return [];
  const changed = check('a concurrent write', 412, null, { ifMatch: '"no-such-version"' });
  return reference.endsWith('/IfMatch') ? [check('no If-Match', 428, 'precondition-needed', { ifMatch: null }), changed] : [changed];
}

function requestOf(url: string, operation: DocumentedOperation, parts: Parts): Request {
  const { params = {}, query = {} } = parts;
  const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? String(pathParameters(operation).find((each) => each.name === name)?.example)),
  );
  const examples = operation.parameters.filter((each) => each['in'] === 'query' && each['example'] !== undefined);
  const search = new URLSearchParams({
    ...Object.fromEntries(examples.map((each) => [String(each['name']), String(each['example'])])),
    ...query,
  });
  const content = bodyOf(operation);
  const upload = uploadOf(operation);
  return new Request(`${url}${path}?${search.toString()}`, {
    method: operation.method,
    redirect: 'manual',
    headers: headersOf(operation, parts),
    ...(content === null ? {} : { body: JSON.stringify(parts.body ?? content.example ?? {}) }),
    ...(upload === null ? {} : { body: Buffer.from(String(upload.content['x-example-base64']), 'base64') }),
  });
}

function headersOf(operation: DocumentedOperation, { caller = null, ifMatch = '*' }: Parts): Record<string, string> {
  const hasPrecondition = operation.parameters.some((each) => String(each['$ref']).endsWith('IfMatch'));
  const upload = uploadOf(operation);
  return {
    ...caller,
    ...(bodyOf(operation) === null ? {} : { 'content-type': 'application/json' }),
    ...(upload === null ? {} : { 'content-type': upload.type }),
    ...(hasPrecondition && ifMatch !== null ? { 'if-match': ifMatch } : {}),
  };
}

function pathParameters({ parameters }: DocumentedOperation): readonly { readonly name: unknown; readonly example: unknown }[] {
  return parameters.filter((each) => each['in'] === 'path').map(({ name, example }) => ({ name, example }));
}

function bodyOf({ requestBody }: DocumentedOperation): Content | null {
  return requestBody?.content['application/json'] ?? null;
}

/** The body of an operation that takes bytes. */
function uploadOf({ requestBody }: DocumentedOperation): { readonly type: string; readonly content: Json } | null {
  const [first] = Object.entries(requestBody?.content ?? {});
  return first === undefined || first[0] === 'application/json' ? null : { type: first[0], content: first[1] as unknown as Json };
}

function answerOf(operation: DocumentedOperation): Content | null {
  return operation.responses[statusOf(operation)]?.content?.['application/json'] ?? null;
}
