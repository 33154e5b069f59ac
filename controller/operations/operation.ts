// One operation of the API for operators: a method and a path, the schema of its input, and a function. The input is the JSON body, or the
// query of a GET. A refusal is a problem (RFC 9457) that names each wrong field.
import { compiledLater, ownSchemas } from '#lib/json-schema.ts';
import type { Static, TObject } from '#lib/typebox.ts';
import { json } from '#lib/admin-server.ts';
import type { AdminRequest, Answer, StreamedAnswer } from '#lib/admin-server.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { FieldError } from '#api/k8s/field-error.ts';
import { describeSchemaError } from '#api/k8s/schema-error.ts';

/** Why an operation is refused: the status of the answer, one sentence, and the wrong fields of the input. */
export interface Problem {
  readonly status: 400 | 404 | 409 | 415 | 500 | 503;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
}

/** The JSON of the answer, or the refusal. */
export type Outcome = Result<object, Problem>;

/** The answer whose body comes in parts, or the refusal. */
export type StreamedOutcome = Result<StreamedAnswer, Problem>;

/** The rest of a request to an operation. */
export interface Asking {
  /** Aborts if the caller has left. */
  readonly signal: AbortSignal;
  /** The caller, for logs: an address, or the name of a user of the admin program. */
  readonly caller: string;
}

/** An operation, ready to answer requests. */
export interface Operation {
  /** Like `GET /endpoints`. */
  readonly id: string;
  readonly input: TObject;
  /** Takes the input as parsed JSON, and checks it. It may set defaults in it. */
  run(input: unknown, asking: Asking): Promise<Result<Answer | StreamedAnswer, Problem>>;
  /** Takes the input out of a request over HTTP. */
  answer(request: AdminRequest): Promise<Result<Answer | StreamedAnswer, Problem>>;
}

const TITLES: Readonly<Record<Problem['status'], string>> = {
  400: 'The input is invalid',
  404: 'The object does not exist',
  409: 'The operation is not possible now',
  415: 'The input is not JSON',
  500: 'A bug in Weir stopped the operation',
  503: 'A part that the operation needs is away',
};

/** An answer has no more errors than this: the input may have thousands of wrong fields. */
const MAX_ERRORS = 20;

const ajv = ownSchemas({ allErrors: true, useDefaults: true, verbose: true });

/**
 * Makes an operation. `input` must be a closed object; its defaults are applied. The fields of a GET are strings. `run` gets valid input
 * only; an exception of it is a bug.
 */
export function operation<S extends TObject>(id: string, input: S, run: (input: Static<S>) => Promise<Outcome>): Operation {
  return streamedOperation(id, input, async (value) => {
    const outcome = await run(value);
    return outcome.ok ? ok(json(outcome.value)) : outcome;
  });
}

/** As `operation`, with an answer whose body comes in parts. The signal: the caller has left. */
export function streamedOperation<S extends TObject>(
  id: string,
  input: S,
  run: (input: Static<S>, signal: AbortSignal, caller: string) => Promise<Result<Answer | StreamedAnswer, Problem>>,
): Operation {
  const check = compiledLater(ajv, () => input);
  const read = id.startsWith('GET ') ? readQuery : readBody;
  const checked = async (value: unknown, { signal, caller }: Asking): Promise<Result<Answer | StreamedAnswer, Problem>> => {
    const validate = check();
    if (!validate(value)) return invalid((validate.errors ?? []).slice(0, MAX_ERRORS).map(describeSchemaError));
    return run(value as Static<S>, signal, caller);
  };
  return {
    id,
    input,
    run: checked,
    async answer(request) {
      const value = read(request);
      return value.ok ? checked(value.value, request) : value;
    },
  };
}

/** The refusal of input with these errors. */
export function invalid(errors: readonly FieldError[]): Result<never, Problem> {
  return err({ status: 400, detail: 'the input has invalid fields', errors });
}

/** The refusal as `application/problem+json`. */
export function describeProblem({ status, detail, errors = [] }: Problem): Answer {
  const body = { type: 'about:blank', title: TITLES[status], status, detail, errors };
  return { status, type: 'application/problem+json', body: `${JSON.stringify(body)}\n` };
}

/** Forms of web pages cannot send this content type to another site. */
function readBody({ body, contentType }: AdminRequest): Result<unknown, Problem> {
  if (!/^application\/json(?: *;|$)/i.test(contentType)) return err({ status: 415, detail: 'the Content-Type must be application/json' });
  try {
    return ok(JSON.parse(body));
  } catch {
    return err({ status: 400, detail: 'the body is not JSON' });
  }
}

function readQuery({ query }: AdminRequest): Result<unknown, Problem> {
  const fields = [...new URLSearchParams(query)];
  const repeated = fields.find(([name], index) => fields.findIndex(([each]) => each === name) !== index);
  if (repeated !== undefined) return invalid([{ field: repeated[0], reason: 'must not occur twice' }]);
  return ok(Object.fromEntries(fields));
}
