// One operation of the admin API that runs one operation of a controller, made of a row: how input becomes that of the controller, and what a
// refusal or a controller that is away means here.
import type { TObject, TSchema } from '#lib/typebox.ts';
import { StringDecoder } from 'node:string_decoder';
import type { FieldError } from '#api/k8s/field-error.ts';
import { ok, type Result } from '#lib/result.ts';
import { adminOperation, reply, stream } from '../api/operation.ts';
import type { AdminAnswer, AdminOperation, OperationContext, OperationExample, OperationInput, StreamBody } from '../api/operation.ts';
import type { Permission } from '../api/permissions.ts';
import { refuse, type AdminProblem } from '../api/problem.ts';
import { exampleAnswer } from './example-answers.ts';
import { gathered } from './live.ts';
import type { Live, LiveAnswer, LiveFault } from './live.ts';

/** The fields of an input, in whichever part of the request they are. */
export type Fields = Readonly<Record<string, unknown>>;

/** An operation of the admin API on an operation of a controller. */
export interface LiveRow {
  /** Of the admin API: `blocks.list`. */
  readonly id: string;
  /** Of the controller: `GET /blocks`. */
  readonly runs: string;
  readonly method: AdminOperation['method'];
  readonly path: `/${string}`;
  readonly summary: string;
  readonly description?: string;
  readonly permission: Permission;
  readonly params?: TObject;
  readonly query?: TObject;
  readonly body?: TObject;
  readonly answer: TSchema;
  readonly example: OperationExample<Fields, Fields, Fields, unknown>;
  readonly status?: 200 | 201;
  /** The input of the controller; by default the fields of the request as they are, or none for a part of an answer. */
  readonly input?: (fields: Fields, context: OperationContext) => Fields;
  /** What it changes, for the audit log; absent for a question. */
  readonly changes?: (fields: Fields) => string;
  /** The part of the controller's answer that is asked for; null: it has none, which is the refusal 404. */
  readonly pick?: (answer: Fields, fields: Fields) => unknown;
  /** What does not exist if the controller answers 404, like `proxy`. */
  readonly noun?: string;
  /** The namespace in which the caller needs the permission; absent: in all. */
  readonly namespaceOf?: (fields: Fields) => string | null;
  /** The longest wait for the beginning of the answer, milliseconds; absent: 15 s. */
  readonly deadlineMs?: number;
  /** `events`: lines become events of a stream. `file`: the parts pass as they are. */
  readonly streams?: 'events' | 'file';
}

const DEADLINE_MS = 15_000;
/** Streams of one admin program at once. A controller has as many calls for all. */
const MAX_STREAMS = 16;
/** The longest line of a stream of events, characters. */
const MAX_LINE = 1_024 * 1_024;
const RETRY_AFTER = 2;

const CODES: Readonly<Partial<Record<number, string>>> = { 400: 'invalid-fields', 409: 'not-possible-now', 503: 'part-away' };

/** The types of streams. */
const TYPES = { events: 'text/event-stream', file: 'application/json' } as const;

/** Makes the operations of rows. Streams of all count together. */
export class LiveOperations {
  readonly #live: Live;
  #streams = 0;

  constructor(live: Live) {
    this.#live = live;
  }

  of(tag: string, rows: readonly LiveRow[]): readonly AdminOperation[] {
    return rows.map((row) => this.#operation(tag, row));
  }

  #operation(tag: string, row: LiveRow): AdminOperation {
    const { id, method, path, summary, description, permission, params, query, body, answer, example, status } = row;
    const { streams, changes, namespaceOf } = row;
    const definition = {
      ...{ id, method, path, tag, summary, permission, answer, example: { ...example, answer: exampleAnswer(row) } },
      // Questions change nothing, and many of them would fill the audit log.
      audited: streams !== undefined || changes !== undefined,
      ...(description === undefined ? {} : { description }),
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { query }),
      ...(body === undefined ? {} : { body }),
      ...(status === undefined ? {} : { status }),
      ...(namespaceOf === undefined ? {} : { namespaceOf: (input: Input) => namespaceOf(fieldsOf(input)) }),
    };
    if (streams === undefined) return adminOperation({ ...definition, run: (input, context) => this.#answer(row, input, context) });
    return adminOperation({
      ...definition,
      streams: TYPES[streams],
      run: (input, context) => this.#stream(row, streams, input, context),
    });
  }

  async #answer(row: LiveRow, input: Input, context: OperationContext): Promise<Result<AdminAnswer<unknown>, AdminProblem>> {
    const fields = fieldsOf(input);
    const answer = await this.#call(row, fields, context);
    if (!answer.ok) return answer;
    const whole = await gathered(answer.value);
    if (!whole.ok)
      return refuse(503, 'answer-cut', `the answer of the controller is not whole: ${whole.error}`, { retryAfter: RETRY_AFTER });
    if (answer.value.status !== 200) return refusalOf(row, input, whole.value as ControllerProblem);
    const { pick, changes } = row;
    if (changes !== undefined) context.changed({ object: changes(fields), before: null, after: fields });
    const picked = pick === undefined ? whole.value : pick(whole.value as Fields, fields);
    return picked === null ? unknown(row, `the controller knows none by ${JSON.stringify(fields)}`) : reply(picked);
  }

  async #stream(
    row: LiveRow,
    kind: 'events' | 'file',
    input: Input,
    context: OperationContext,
  ): Promise<Result<AdminAnswer<StreamBody>, AdminProblem>> {
    if (this.#streams >= MAX_STREAMS)
      return refuse(429, 'too-many-streams', `there are ${MAX_STREAMS} streams already; end one`, { retryAfter: RETRY_AFTER });
    const release = this.#begun(context.signal);
    const answer = await this.#call(row, fieldsOf(input), context);
    if (!answer.ok || answer.value.status !== 200) {
      release();
      if (!answer.ok) return answer;
      const whole = await gathered(answer.value);
      return refusalOf(row, input, whole.ok ? (whole.value as ControllerProblem) : { status: 503, detail: whole.error });
    }
    return stream(released(kind === 'file' ? answer.value.body : eventsOf(answer.value.body), release));
  }

  /** Counts a stream. The function ends it, and so does a caller that leaves before the first part. */
  #begun(signal: AbortSignal): () => void {
    this.#streams++;
    let isOpen = true;
    const release = (): void => {
      if (isOpen) this.#streams--;
      isOpen = false;
      signal.removeEventListener('abort', release);
    };
    signal.addEventListener('abort', release);
    return release;
  }

  async #call(row: LiveRow, fields: Fields, context: OperationContext): Promise<Result<LiveAnswer, AdminProblem>> {
    const { runs, input, pick, deadlineMs = DEADLINE_MS } = row;
    // A part of an answer is picked out of the whole.
    const given = input?.(fields, context) ?? (pick === undefined ? fields : {});
    const answer = await this.#live.call({
      operation: runs,
      input: runs.startsWith('GET ') ? texts(given) : given,
      caller: context.caller.name,
      deadlineMs,
      signal: context.signal,
    });
    return answer.ok ? ok(answer.value) : away(answer.error);
  }
}

type Input = OperationInput<unknown, unknown, unknown>;

/** A refusal of a controller. */
interface ControllerProblem {
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
}

function fieldsOf({ params, query, body }: Input): Fields {
  return { ...(body as object | undefined), ...(query as object | undefined), ...(params as object | undefined) };
}

/** The fields of a GET of a controller are strings. */
function texts(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}

function away({ code, reason }: LiveFault): Result<never, AdminProblem> {
  return refuse(503, code, reason, { retryAfter: RETRY_AFTER });
}

function unknown({ noun = 'object' }: LiveRow, detail: string): Result<never, AdminProblem> {
  return refuse(404, `${noun.replaceAll(' ', '-')}-unknown`, detail);
}

function refusalOf(row: LiveRow, input: Input, { status, detail, errors = [] }: ControllerProblem): Result<never, AdminProblem> {
  if (status === 404) return unknown(row, detail);
  const code = CODES[status];
  if (code === undefined) return refuse(502, 'controller-failed', `the controller answers with ${status}: ${detail}`);
  const placed = errors.map(({ field, reason }) => ({ field: placeOf(field, input), reason }));
  return refuse(status as 400 | 409 | 503, code, detail, placed.length === 0 ? {} : { errors: placed });
}

/** The field with the part of the request that it is in. */
function placeOf(field: string, { params, query }: Input): string {
  const [name = ''] = field.split(/[.[]/);
  const part = Object.hasOwn(params as object, name) ? 'path' : Object.hasOwn(query as object, name) ? 'query' : 'body';
  return field === '' ? part : `${part}.${field}`;
}

async function* released(body: StreamBody, release: () => void): AsyncGenerator<string | Uint8Array> {
  try {
    yield* body;
  } finally {
    release();
  }
}

/** Lines of JSON as events: `line` for each, `end` for the last one, `cut` if the controller is lost. */
async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const part of body) {
      const lines = (rest + decoder.write(Buffer.from(part))).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > MAX_LINE) return yield eventOf('cut', JSON.stringify({ reason: 'a line is too long' }));
      if (lines.length > 0) yield lines.map((line) => eventOf(line.startsWith('{"proxies"') ? 'end' : 'line', line)).join('');
    }
  } catch (error) {
    yield eventOf('cut', JSON.stringify({ reason: error instanceof Error ? error.message : String(error) }));
  }
}

function eventOf(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}
