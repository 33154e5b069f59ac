// Holds the input of operations to their schemas. Bodies are taken as they are; parameters and queries are text, and are converted.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { describeSchemaError } from '#api/k8s/schema-error.ts';
import { fieldOf, type FieldError } from '#api/k8s/field-error.ts';
import { ok, type Result } from '#lib/result.ts';
import type { AdminOperation, OperationInput } from './operation.ts';
import { invalid, refuse, type AdminProblem } from './problem.ts';

/** A problem has no more errors than this: the input may have thousands of wrong fields. */
const MAX_ERRORS = 20;

/** The largest depth of a body. Objects of Kubernetes have about 20 levels; code that descends must not run out of stack. */
const MAX_DEPTH = 64;

const OPTIONS = { allErrors: true, useDefaults: true, verbose: true, strict: false } as const;
const bodies = new Ajv(OPTIONS);
// `array`: one value of a parameter that may occur several times is a list of one.
const texts = new Ajv({ ...OPTIONS, coerceTypes: 'array' });

/** The parts of a request before they are checked. */
export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  /** Undefined: the request has no body. */
  readonly body: unknown;
  readonly ifMatch: string | undefined;
}

type Input = OperationInput<unknown, unknown, unknown>;

const NO_BYTES = new Uint8Array();

/** Makes the function that checks the input of an operation. The schemas are compiled at the first use. */
export function validatorOf({ params, query, body, upload, precondition }: AdminOperation): (raw: RawInput) => Result<Input, AdminProblem> {
  const checks = [lazily('path', () => texts.compile(params)), lazily('query', () => texts.compile(query))] as const;
  const checkBody = body === null ? null : lazily('body', () => bodies.compile(body));
  return (raw) => {
    const bytes = raw.body instanceof Uint8Array ? raw.body : null;
    const json = bytes === null ? raw.body : undefined;
    if (upload !== undefined && bytes === null) return refuse(415, 'content-type', `the Content-Type must be ${upload}`);
    if (depthOf(json, MAX_DEPTH) > MAX_DEPTH) return refuse(400, 'too-deep', `the body has more than ${MAX_DEPTH} levels`);
    const input = { params: withoutPrototype(raw.params), query: withoutPrototype(raw.query), body: json };
    const errors = [
      ...controlCharacters(input.params),
      ...checks[0](input.params),
      ...checks[1](input.query),
      ...bodyErrors(input.body, checkBody),
    ];
    if (errors.length > 0) return invalid(errors.slice(0, MAX_ERRORS));
    const expected = expectedTag(raw.ifMatch, precondition ?? null);
    return expected.ok ? ok({ ...input, upload: bytes ?? NO_BYTES, ifMatch: expected.value }) : expected;
  };
}

type Check = (value: unknown) => readonly FieldError[];

function lazily(part: string, compile: () => ValidateFunction): Check {
  let validate: ValidateFunction | null = null;
  return (value) => {
    validate ??= compile();
    return validate(value) ? [] : (validate.errors ?? []).slice(0, MAX_ERRORS).map((error) => placed(part, error));
  };
}

function placed(part: string, error: ErrorObject): FieldError {
  const { field, reason } = describeSchemaError(error);
  return { field: field === '' ? part : field.startsWith('[') ? `${part}${field}` : fieldOf(part, field), reason };
}

function bodyErrors(body: unknown, check: Check | null): readonly FieldError[] {
  if (check === null) return body === undefined ? [] : [{ field: 'body', reason: 'must be absent' }];
  return body === undefined ? [{ field: 'body', reason: 'is required' }] : check(body);
}

/** Names of objects never have them, and they would break lines of logs and paths of files. */
function controlCharacters(params: object): readonly FieldError[] {
  return Object.entries(params).flatMap(([name, value]) =>
    /[\u0000-\u001f\u007f]/.test(String(value)) ? [{ field: `path.${name}`, reason: 'must not have control characters' }] : [],
  );
}

/** A plain object: `__proto__` is a name as any other. */
function withoutPrototype(value: unknown): Record<string, unknown> {
  return Object.assign(Object.create(null) as Record<string, unknown>, value);
}

/** The number of levels of a value, or any number above `limit`. It needs no stack. */
function depthOf(value: unknown, limit: number): number {
  let level: unknown[] = [value];
  for (let depth = 0; depth <= limit; depth++) {
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
    if (level.length === 0) return depth;
  }
  return limit + 1;
}

/** The tag in If-Match: one strong tag, or `*` for any state (null). */
function expectedTag(header: string | undefined, precondition: 'required' | 'optional' | null): Result<string | null, AdminProblem> {
  if (header === undefined) {
    return precondition === 'required'
      ? refuse(428, 'precondition-needed', 'send the ETag of the object that you have read in If-Match, or If-Match: *')
      : ok(null);
  }
  if (header === '*') return ok(null);
  const [, tag] = /^"([\x21\x23-\x7e]{1,256})"$/.exec(header) ?? [];
  return tag === undefined ? invalid([{ field: 'header.If-Match', reason: 'must be one strong ETag in quotes, or *' }]) : ok(tag);
}
