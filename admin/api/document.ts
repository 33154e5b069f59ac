// The OpenAPI 3.1 document of the admin API, made of its operations: schemas, permissions, examples, and the refusals of each.
import { WEIR_VERSION } from '#lib/version.ts';
import { API_PREFIX } from './answer.ts';
import { isChange } from './origin.ts';
import { isAudited, type AdminOperation, type Area } from './operation.ts';
import { parametersOf } from './paths.ts';
import { PERMISSIONS } from './permissions.ts';
import { PROBLEM_TITLES, type ProblemStatus } from './problem.ts';
import { PROBLEM_TYPE } from './problem-body.ts';

type Json = Readonly<Record<string, unknown>>;

/** The document as JSON. */
export function documentOf(areas: readonly Area[]): string {
  const document = {
    openapi: '3.1.0',
    info: {
      title: 'Weir admin API',
      version: WEIR_VERSION,
      description: 'What operators of Weir read, change and undo. Each change needs a permission and has an entry in the audit log.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: API_PREFIX }],
    tags: areas.map(({ name, summary }) => ({ name, description: summary })),
    paths: pathsOf(areas.flatMap(({ operations }) => operations)),
    components: COMPONENTS,
    'x-permissions': PERMISSIONS,
  };
  // Notes for the texts of errors are no part of the schemas.
  return JSON.stringify(document, (name, value: unknown) => (name.startsWith('~') ? undefined : value));
}

function pathsOf(operations: readonly AdminOperation[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) (paths[operation.path] ??= {})[operation.method.toLowerCase()] = operationOf(operation);
  return paths;
}

function operationOf(operation: AdminOperation): Json {
  const { id, tag, summary, description, permission, needsLogin, example } = operation;
  const isOpen = permission === null && needsLogin !== true;
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(operation.deprecated === undefined ? {} : { deprecated: true }),
    security: isOpen ? [] : [{ token: [] }, { session: [] }],
    'x-permission': permission,
    'x-audited': isAudited(operation),
    'x-scope': operation.filtersNamespaces === true ? 'filtered' : operation.hasNamespace ? 'namespace' : 'all',
    ...(example.unknown === undefined ? {} : { 'x-unknown': example.unknown }),
    parameters: [...parametersIn(operation), ...headersOf(operation)],
    ...requestBodyOf(operation),
    responses: responsesOf(operation, isOpen),
  };
}

function requestBodyOf({ body, upload, example }: AdminOperation): Json {
  const content = {
    ...(body === null ? {} : { 'application/json': { schema: body, example: example.body ?? {} } }),
    ...(upload === undefined
      ? {}
      : { [upload]: { schema: { type: 'string', contentEncoding: 'binary' }, ...uploadExample(example.upload) } }),
  };
  return Object.keys(content).length === 0 ? {} : { requestBody: { required: true, content } };
}

/** Bytes are in base64. */
function uploadExample(upload: AdminOperation['example']['upload']): Json {
  return upload === undefined ? {} : { 'x-example-base64': Buffer.from(upload).toString('base64') };
}

function parametersIn({ path, params, query, example }: AdminOperation): readonly Json[] {
  const named = (place: 'path' | 'query', schema: AdminOperation['params'], values: unknown) =>
    Object.entries(schema.properties as Readonly<Record<string, Json>>).map(([name, each]) => ({
      name,
      in: place,
      required: place === 'path' || (schema.required as readonly string[] | undefined)?.includes(name) === true,
      ...(each['description'] === undefined ? {} : { description: each['description'] }),
      schema: each,
      ...withExample((values as Json | undefined)?.[name]),
    }));
  const declared = new Set(parametersOf(path));
  return [...named('path', params, example.params).filter(({ name }) => declared.has(name)), ...named('query', query, example.query)];
}

function withExample(value: unknown): Json {
  return value === undefined ? {} : { example: value };
}

function headersOf(operation: AdminOperation): readonly Json[] {
  const { precondition, method } = operation;
  return [
    ...(precondition === undefined
      ? []
      : [{ $ref: `#/components/parameters/${precondition === 'required' ? 'IfMatch' : 'OptionalIfMatch'}` }]),
    ...(isAudited(operation) ? [{ $ref: '#/components/parameters/Reason' }] : []),
    ...(isChange(method) ? [{ $ref: '#/components/parameters/CsrfToken' }] : []),
  ];
}

function responsesOf(operation: AdminOperation, isOpen: boolean): Json {
  const { status, problems = {} } = operation;
  const refusals = [...new Set([...commonProblems(operation, isOpen), ...Object.keys(problems).map(Number)])].sort((a, b) => a - b);
  return {
    [status]: successOf(operation),
    ...Object.fromEntries(refusals.map((each) => [each, problemResponse(each as ProblemStatus, problems[each as ProblemStatus])])),
  };
}

/** The statuses of refusals that the server gives by itself. */
function commonProblems(operation: AdminOperation, isOpen: boolean): readonly number[] {
  const { body, upload, params, query, path, precondition } = operation;
  const hasBody = body !== null || upload !== undefined;
  const hasInput = hasBody || Object.keys({ ...params.properties, ...query.properties }).length > 0;
  return [
    ...(hasInput ? [400] : []),
    ...(isOpen ? [] : [401, 403]),
    ...(parametersOf(path).length > 0 ? [404] : []),
    ...(precondition === undefined ? [] : [412]),
    ...(precondition === 'required' ? [428] : []),
    ...(hasBody ? [413, 415] : []),
    ...[429, 500],
    ...(isAudited(operation) ? [503] : []),
  ];
}

function successOf({ status, streams, answer, example, precondition }: AdminOperation): Json {
  const headers =
    precondition === undefined ? {} : { headers: { ETag: { schema: { type: 'string' }, description: 'The version of the object.' } } };
  if (status === 204 || status === 302) return { description: 'Done.', ...headers };
  if (streams !== undefined)
    return { description: 'The parts, one after the other.', content: { [streams]: { schema: answer, ...withExample(example.answer) } } };
  return { description: 'Done.', ...headers, content: { 'application/json': { schema: answer, ...withExample(example.answer) } } };
}

function problemResponse(status: ProblemStatus, codes: readonly string[] = []): Json {
  const description = `${PROBLEM_TITLES[status]}.${codes.length === 0 ? '' : ` Codes: ${codes.join(', ')}.`}`;
  return {
    description,
    content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
    ...(codes.length === 0 ? {} : { 'x-codes': codes }),
  };
}

const text = (description: string): Json => ({ type: 'string', description });

const COMPONENTS: Json = {
  securitySchemes: {
    token: { type: 'http', scheme: 'bearer', description: 'An API token, or the token of a ServiceAccount.' },
    session: {
      type: 'apiKey',
      in: 'cookie',
      name: 'weir-session',
      description: 'A session by login; with TLS the cookie is __Host-weir-session.',
    },
  },
  parameters: {
    IfMatch: {
      name: 'If-Match',
      in: 'header',
      required: true,
      schema: text('The ETag of the object that was read; * for any state.'),
      example: '*',
    },
    OptionalIfMatch: { name: 'If-Match', in: 'header', required: false, schema: text('The ETag that the object must have.') },
    Reason: { name: 'Weir-Reason', in: 'header', required: false, schema: { ...text('Why, for the audit log.'), maxLength: 500 } },
    CsrfToken: { name: 'Weir-CSRF-Token', in: 'header', required: false, schema: text('The token of the session; needed with a cookie.') },
  },
  schemas: {
    Problem: {
      type: 'object',
      description: 'A refusal (RFC 9457).',
      required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
      properties: {
        type: text('about:blank'),
        title: text('The meaning of the status.'),
        status: { type: 'integer' },
        code: text('The reason, for programs. A released code never changes.'),
        detail: text('The reason, for people.'),
        requestId: text('The id of the request, as in the log.'),
        errors: {
          type: 'array',
          items: {
            type: 'object',
            required: ['field', 'reason'],
            properties: { field: text('The wrong field, like body.name.'), reason: text('What is wrong with it.') },
          },
        },
      },
    },
  },
};
