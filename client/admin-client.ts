// A typed client of the admin API, for programs and for browsers: it needs nothing but fetch. Every refusal and failure is a value.
import type { JsonValue } from '#lib/canonical-json.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { boundedText, BodyTooLarge } from './bounded-body.ts';
import { NO_CREDENTIALS, type Credentials } from './credentials.ts';
import type { OperationFacts } from './operation.ts';
import { OPERATIONS, type Operations } from './operations/index.ts';
import { clientProblem, problemIn, type Problem } from './problem.ts';

/** The id of an operation: `users.create`. */
export type OperationId = keyof Operations;
/** The operations whose answer comes in parts. */
export type StreamId = { [Id in OperationId]: Operations[Id]['streams'] extends true ? Id : never }[OperationId];
/** `params`, `query`, `body` or `upload`, and `ifMatch` of an operation. */
export type Input<Id extends OperationId> = Operations[Id]['input'];
/** The answer of an operation. */
export type Answer<Id extends OperationId> = Operations[Id]['answer'];
/** A refusal of an operation. */
export type ProblemOf<Id extends OperationId> = Problem<Operations[Id]['code']>;
/** The input, which may be left out if all of it may. */
type Arguments<Id extends OperationId> = Record<never, never> extends Input<Id> ? [input?: Input<Id>] : [input: Input<Id>];

/** An answer with its version. */
export interface Answered<T> {
  readonly body: T;
  /** For If-Match, without quotes; null: the answer has none. */
  readonly etag: string | null;
}

/** Sends a request; fetch, or another of its form. */
export type Send = (url: string, request: RequestInit) => Promise<Response>;

export interface ClientOptions {
  /** Where the API is, without a path: https://admin.example.com. */
  readonly url: string;
  readonly credentials?: Credentials;
  /** Why the caller does this, for the audit log. */
  readonly reason?: string;
  /** The longest time of a call, of a stream until it begins, milliseconds; 15 s by default. */
  readonly timeout?: number;
  /** The largest answer, bytes; 64 MiB by default. A stream has no limit. */
  readonly maxBytes?: number;
  /** By default the fetch of the platform. */
  readonly send?: Send;
  /** Waits some seconds before another attempt. */
  readonly wait?: (seconds: number) => Promise<unknown>;
}

const PREFIX = '/api/v1';
const TIMEOUT = 15_000;
const MAX_BYTES = 64 * 1_048_576;
/** Attempts of a call that the server refuses because there are too many of them. Such a call has had no effect. */
const ATTEMPTS = 4;
/** The longest wait before another attempt, seconds. */
const MAX_WAIT = 10;
const RATES: readonly string[] = ['rate-of-address', 'rate-of-caller'];

/** The parts of an input, of whatever operation. */
interface AnyInput {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly upload?: Uint8Array;
  readonly ifMatch?: string;
}

/** A client of one server. */
export class AdminClient {
  readonly #options: Required<ClientOptions>;

  constructor(options: ClientOptions) {
    const defaults = { credentials: NO_CREDENTIALS, reason: '', timeout: TIMEOUT, maxBytes: MAX_BYTES };
    const wait = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    this.#options = { ...defaults, send: (url, request) => fetch(url, request), wait, ...options };
  }

  /** Calls an operation. */
  async call<Id extends OperationId>(id: Id, ...[input = {}]: Arguments<Id>): Promise<Result<Answered<Answer<Id>>, ProblemOf<Id>>> {
    for (let attempt = 1; ; attempt++) {
      const result = await this.#attempt(OPERATIONS[id], input);
      if (result.ok) return ok({ body: result.value.body as Answer<Id>, etag: result.value.etag });
      const { code, retryAfter } = result.error;
      if (attempt === ATTEMPTS || !RATES.includes(code) || (retryAfter ?? 1) > MAX_WAIT) return err(result.error as ProblemOf<Id>);
      await this.#options.wait(retryAfter ?? 1);
    }
  }

  /** Calls an operation whose answer comes in parts. The iteration throws if the connection breaks. */
  async stream<Id extends StreamId>(id: Id, ...[input = {}]: Arguments<Id>): Promise<Result<AsyncIterable<Uint8Array>, ProblemOf<Id>>> {
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(new DOMException('', 'TimeoutError')), this.#options.timeout);
    const sent = await this.#send(OPERATIONS[id], input, aborter.signal);
    if (!sent.ok) {
      clearTimeout(timer);
      return err(sent.error as ProblemOf<Id>);
    }
    const refused = await this.#refusalIn(sent.value);
    clearTimeout(timer);
    if (refused !== null) return err(refused as ProblemOf<Id>);
    return ok(sent.value.body ?? emptyStream());
  }

  async #attempt(facts: OperationFacts, input: AnyInput): Promise<Result<Answered<unknown>, Problem>> {
    const sent = await this.#send(facts, input, AbortSignal.timeout(this.#options.timeout));
    if (!sent.ok) return sent;
    const refused = await this.#refusalIn(sent.value);
    return refused === null ? this.#answerIn(sent.value) : err(refused);
  }

  async #send(facts: OperationFacts, input: AnyInput, signal: AbortSignal): Promise<Result<Response, Problem>> {
    const { url, credentials, send } = this.#options;
    const path = pathOf(facts.path, input.params);
    if (path === null) return err(clientProblem('invalid-name', 'a name is empty, or has only dots'));
    const request = { method: facts.method, headers: this.#headers(facts, input), redirect: 'manual', signal } as const;
    try {
      const target = `${url}${PREFIX}${path}${queryOf(input.query)}`;
      const response = await send(target, { ...request, ...bodyOf(input) });
      credentials.answered(response.headers);
      return ok(response);
    } catch (error) {
      return err(this.#failure(error));
    }
  }

  #headers({ method, streams, uploads }: OperationFacts, { body, ifMatch }: AnyInput): Record<string, string> {
    const { credentials, reason } = this.#options;
    const isChange = method !== 'GET';
    return {
      accept: streams ?? 'application/json',
      ...credentials.headers(isChange),
      ...(body === undefined && uploads === undefined ? {} : { 'content-type': uploads ?? 'application/json' }),
      ...(ifMatch === undefined ? {} : { 'if-match': ifMatch === '*' ? '*' : `"${ifMatch}"` }),
      ...(isChange && reason !== '' ? { 'weir-reason': reason } : {}),
    };
  }

  /** The refusal in a response; null: it is an answer. */
  async #refusalIn(response: Response): Promise<Problem | null> {
    const { status, headers } = response;
    if (status >= 200 && status < 300) return null;
    if (status < 400) return this.#redirection(response);
    const text = await this.#text(response);
    if (!text.ok) return text.error;
    const isProblem = headers.get('content-type')?.startsWith('application/problem+json') === true;
    const problem = isProblem ? problemIn(status, jsonIn(text.value) ?? null, headers.get('retry-after')) : null;
    return problem ?? this.#foreign(`${status} without a problem of the admin API`, status);
  }

  #redirection({ status, headers }: Response): Problem {
    const target = headers.get('location') ?? 'another address';
    return clientProblem('redirected', `the server sends the caller to ${target}; credentials are for ${this.#options.url} only`, status);
  }

  async #answerIn(response: Response): Promise<Result<Answered<unknown>, Problem>> {
    const etag = response.headers.get('etag')?.replace(/^(?:W\/)?"(.*)"$/, '$1') ?? null;
    const text = await this.#text(response);
    if (!text.ok) return text;
    if (response.status === 204) return ok({ body: undefined, etag });
    const body = jsonIn(text.value);
    return body === undefined ? err(this.#foreign('no JSON', response.status)) : ok({ body, etag });
  }

  async #text(response: Response): Promise<Result<string, Problem>> {
    try {
      return ok(await boundedText(response, this.#options.maxBytes));
    } catch (error) {
      return err(this.#failure(error));
    }
  }

  #foreign(what: string, status: number): Problem {
    return clientProblem('foreign-answer', `${this.#options.url} answers with ${what}, so it is no admin API of Weir`, status);
  }

  /** The failure without what a message of the platform may have of the request. */
  #failure(error: unknown): Problem {
    const { url, timeout, maxBytes } = this.#options;
    if (error instanceof BodyTooLarge) return clientProblem('answer-too-large', `${url} answers with more than ${maxBytes} bytes`);
    if ((error as Error).name === 'TimeoutError') return clientProblem('timeout', `${url} has not answered within ${timeout / 1_000} s`);
    return clientProblem('unreachable', `${url}: ${causeOf(error)}`);
  }
}

/** The innermost reason: fetch wraps those of connections. */
function causeOf(error: unknown): string {
  const { cause, message, code } = error as Error & { readonly code?: string };
  if (typeof cause === 'object' && cause !== null) return causeOf(cause);
  return message === '' ? (code ?? 'the connection failed') : message;
}

/** Undefined: the text is no JSON. */
function jsonIn(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** Null: a parameter is empty, or would name another path. URLs know no way to write a dot that is no step. */
function pathOf(template: string, params: AnyInput['params'] = {}): string | null {
  const values = Object.values(params).map(String);
  if (values.some((value) => /^\.{0,2}$/.test(value))) return null;
  return template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
}

function bodyOf({ body, upload }: AnyInput): Pick<RequestInit, 'body'> {
  if (upload !== undefined) return { body: upload as Uint8Array<ArrayBuffer> };
  return body === undefined ? {} : { body: JSON.stringify(body) };
}

function queryOf(query: AnyInput['query'] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return search === '' ? '' : `?${search}`;
}

async function* emptyStream(): AsyncIterable<Uint8Array> {
  // A stream without parts.
}
