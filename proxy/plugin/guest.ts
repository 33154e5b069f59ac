// Runs inside of the isolate, around the plugin: makes the objects of the SDK of messages, and messages of what the plugin does with them.
// It is evaluated as a module of QuickJS. It protects nothing: the proxy checks all that leaves the isolate.
import type {
  Plugin,
  PluginContext,
  PluginHeaders,
  PluginReply,
  PluginRequest,
  PluginResponse,
  PluginSubresponse,
} from '../../sdk/index.ts';
import type { CallMessage, Changes, FromPlugin, Hook, RequestHead, ResponseHead, ToPlugin } from './message.ts';

type Send = (text: string, bytes?: ArrayBuffer) => void;
type Dispatch = (text: string, bytes?: ArrayBuffer) => string;
interface Host {
  weirSend?: Send;
  weirEncode?: (text: string) => ArrayBuffer;
  weirDecode?: (bytes: ArrayBuffer) => string;
  weirDispatch?: Dispatch;
  weirConfig?: string;
  TextEncoder?: unknown;
  TextDecoder?: unknown;
}

const host = globalThis as unknown as Host;
const send = host.weirSend as Send;
const [encode, decode] = [host.weirEncode as (text: string) => ArrayBuffer, host.weirDecode as (bytes: ArrayBuffer) => string];
const config = deepFrozen(JSON.parse(host.weirConfig ?? 'null'));
delete host.weirSend;
delete host.weirConfig;
delete host.weirEncode;
delete host.weirDecode;

// The two of the web that plugins need for bodies; QuickJS has none.
host.TextEncoder = class {
  encode(text = ''): Uint8Array {
    return encodeText(String(text));
  }
};
host.TextDecoder = class {
  decode(bytes: Uint8Array = new Uint8Array(0)): string {
    return decodeText(bytes);
  }
};

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^(?:[\x21-\x7e\x80-\uffff](?:[\t\x20-\x7e\x80-\uffff]*[\x21-\x7e\x80-\uffff])?)?$/;
const MAX_LOG_LINE = 1_024;
const MAX_REASON = 500;

/** Header values are bytes in UTF-8 with one character per byte, as the proxy has them. */
class Headers implements PluginHeaders {
  readonly #list: string[];
  readonly #changed: () => void;

  constructor(list: readonly string[], changed: () => void) {
    this.#list = [...list];
    this.#changed = changed;
  }

  get list(): string[] {
    return this.#list;
  }

  get(name: string): string | null {
    const values = this.getAll(name);
    return values.length === 0 ? null : values.join(', ');
  }

  getAll(name: string): string[] {
    const [lower, list] = [name.toLowerCase(), this.#list];
    const values: string[] = [];
    for (let i = 0; i < list.length; i += 2) if (list[i] === lower) values.push(list[i + 1] as string);
    return values;
  }

  has(name: string): boolean {
    return this.getAll(name).length > 0;
  }

  set(name: string, value: string): void {
    const [lower, list] = [nameOf(name), this.#list];
    const text = valueOf(name, value);
    this.#changed();
    const first = this.#find(lower);
    if (first === -1) return void list.push(lower, text);
    list[first + 1] = text;
    for (let i = list.length - 2; i > first; i -= 2) if (list[i] === lower) list.splice(i, 2);
  }

  append(name: string, value: string): void {
    const pair: [string, string] = [nameOf(name), valueOf(name, value)];
    this.#changed();
    this.#list.push(...pair);
  }

  delete(name: string): void {
    const [lower, list] = [nameOf(name), this.#list];
    this.#changed();
    for (let i = list.length - 2; i >= 0; i -= 2) if (list[i] === lower) list.splice(i, 2);
  }

  entries(): [string, string][] {
    const pairs: [string, string][] = [];
    for (let i = 0; i < this.#list.length; i += 2) pairs.push([this.#list[i] as string, this.#list[i + 1] as string]);
    return pairs;
  }

  #find(lower: string): number {
    for (let i = 0; i < this.#list.length; i += 2) if (this.#list[i] === lower) return i;
    return -1;
  }
}

function nameOf(name: string): string {
  if (typeof name !== 'string' || !NAME.test(name)) throw new TypeError('the name of a header has characters that HTTP does not allow');
  return name.toLowerCase();
}

function valueOf(name: string, value: string): string {
  const text = String(value);
  if (!VALUE.test(text)) throw new TypeError(`the value of header ${name} has characters that HTTP does not allow`);
  return text;
}

/** What the hooks of a message changed, and whether they still may. */
export class Edits {
  isOpen = true;
  path = false;
  status = false;
  headers = false;

  /** Throws unless the head can still be changed. */
  mark(part: 'path' | 'status' | 'headers'): void {
    if (!this.isOpen) throw new TypeError('the head of the message is already on its way');
    this[part] = true;
  }
}

/** The head of a request for hooks. */
export class Request implements PluginRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly client: string;
  readonly principal: string | null;
  readonly headers: Headers;
  readonly #edits: Edits;
  #path: string;
  #query: string;

  constructor(head: RequestHead, edits: Edits) {
    this.method = head.method;
    this.scheme = head.scheme;
    this.host = head.host;
    this.client = head.client;
    this.principal = head.principal;
    this.headers = new Headers(head.headers, () => edits.mark('headers'));
    this.#edits = edits;
    this.#path = head.path;
    this.#query = head.query;
    Object.freeze(this);
  }

  get path(): string {
    return this.#path;
  }

  set path(path: string) {
    this.#edits.mark('path');
    this.#path = String(path);
  }

  get query(): string {
    return this.#query;
  }

  set query(query: string) {
    this.#edits.mark('path');
    this.#query = String(query);
  }
}

/** The head of an answer for hooks. */
export class Response implements PluginResponse {
  readonly headers: Headers;
  readonly #edits: Edits;
  #status: number;

  constructor(head: ResponseHead, edits: Edits) {
    this.headers = new Headers(head.headers, () => edits.mark('headers'));
    this.#edits = edits;
    this.#status = head.status;
    Object.freeze(this);
  }

  get status(): number {
    return this.#status;
  }

  set status(status: number) {
    this.#edits.mark('status');
    this.#status = status;
  }
}

/** The values of one exchange. */
class ExchangeState {
  readonly state: Record<string, unknown> = {};
  request: Request | null = null;
  requestEdits = new Edits();
  response: Response | null = null;
  responseEdits = new Edits();
}

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: Error): void;
}

let plugin: Plugin;
const exchanges = new Map<number, ExchangeState>();
const waiting = new Map<number, Waiting>();
/** Calls whose promise is not settled. */
const pending = new Set<number>();
let lastOp = 0;

/** Takes the plugin. Returns the names of its hooks. */
export function load(exported: unknown, hooks: readonly string[]): string {
  if (typeof exported !== 'object' || exported === null) throw new TypeError('the module has no default export with hooks');
  const strange = Object.keys(exported).find((name) => !hooks.includes(name));
  if (strange !== undefined) throw new TypeError(`the plugin has no hook ${strange}: it may have ${hooks.join(', ')}`);
  plugin = exported as Plugin;
  const found = hooks.filter((name) => typeof plugin[name as keyof Plugin] === 'function');
  if (found.length === 0) throw new TypeError('the plugin has no hook');
  for (const message of ['Request', 'Response'])
    if (found.includes(`on${message}Body`) && found.includes(`on${message}Chunk`))
      throw new TypeError(`the plugin has on${message}Body and on${message}Chunk: it may have one of them`);
  return JSON.stringify(found);
}

host.weirDispatch = (text, bytes) => {
  const message = JSON.parse(text) as ToPlugin;
  if (message.type === 'call') return call(message, bytes);
  if (message.type === 'end') exchanges.delete(message.exchange);
  else settle(message, bytes);
  return '';
};

function settle(message: Exclude<ToPlugin, { type: 'call' | 'end' }>, bytes: ArrayBuffer | undefined): void {
  const waiter = waiting.get(message.op);
  waiting.delete(message.op);
  if (message.type === 'refused') waiter?.reject(new Error(message.reason));
  else if (message.type === 'counted') waiter?.resolve(message.value);
  else waiter?.resolve(subresponse(message.status, message.headers, new Uint8Array(bytes ?? new ArrayBuffer(0))));
}

/** The answer of a backend. */
export function subresponse(status: number, list: readonly string[], body: Uint8Array): PluginSubresponse {
  const headers = new Headers(list, () => {
    throw new TypeError('the headers of an answer to a plugin cannot be changed');
  });
  return Object.freeze({ status, headers, body, text: () => decodeText(body), json: (): unknown => JSON.parse(decodeText(body)) });
}

/** Runs a hook. Returns the result if it is there at once, or ''. */
function call(message: CallMessage, bytes: ArrayBuffer | undefined): string {
  const state = stateOf(message);
  const { call: id } = message;
  try {
    const result = run(message, state, bytes === undefined ? new Uint8Array(0) : new Uint8Array(bytes));
    if (!isThenable(result)) return done(message, state, result);
    pending.add(id);
    result.then(
      (late) => pending.delete(id) && later(id, () => done(message, state, late)),
      (error: unknown) => pending.delete(id) && emit({ type: 'failed', call: id, reason: describe(error) }),
    );
    return '';
  } catch (error) {
    return JSON.stringify({ type: 'failed', call: id, reason: describe(error) } satisfies FromPlugin);
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function later(id: number, result: () => string): void {
  let text: string;
  try {
    text = result();
  } catch (error) {
    text = JSON.stringify({ type: 'failed', call: id, reason: describe(error) } satisfies FromPlugin);
  }
  if (text !== '') send(text);
}

/** The state of the exchange, with the heads that the message brings. */
function stateOf({ exchange, keep, request, response }: CallMessage): ExchangeState {
  let state = exchanges.get(exchange);
  if (state === undefined) {
    state = new ExchangeState();
    if (keep) exchanges.set(exchange, state);
  }
  if (request !== undefined) {
    state.requestEdits = new Edits();
    state.request = new Request(request, state.requestEdits);
  }
  if (response !== undefined) {
    state.responseEdits = new Edits();
    state.response = new Response(response, state.responseEdits);
  }
  return state;
}

type Run = (message: CallMessage, state: ExchangeState, body: Uint8Array, context: PluginContext) => unknown;

const RUNS: Readonly<Record<Hook, Run>> = {
  onRequest: (_, { request }, __, context) => plugin.onRequest?.(request as Request, context),
  onRequestBody: (_, { request }, body, context) => plugin.onRequestBody?.(body, request as Request, context),
  onRequestChunk: ({ isLast = false }, { request }, body, context) =>
    plugin.onRequestChunk?.(body, { isLast }, request as Request, context),
  onResponse: (_, { request, response }, __, context) => plugin.onResponse?.(response as Response, request as Request, context),
  onResponseBody: (_, { request, response }, body, context) =>
    plugin.onResponseBody?.(body, response as Response, request as Request, context),
  onResponseChunk: ({ isLast = false }, { response }, body, context) =>
    plugin.onResponseChunk?.(body, { isLast }, response as Response, context),
};

function run(message: CallMessage, state: ExchangeState, body: Uint8Array): unknown {
  state.requestEdits.isOpen = message.hook === 'onRequest' || message.hook === 'onRequestBody';
  state.responseEdits.isOpen = message.hook === 'onResponse' || message.hook === 'onResponseBody';
  return RUNS[message.hook](message, state, body, contextOf(state.state));
}

/** The message with the result of a hook; '' if it was sent with bytes. */
function done({ call: id, hook }: CallMessage, state: ExchangeState, result: unknown): string {
  const edits = editsOf(state);
  const bytes = bytesOf(result);
  const reply = replyOf(hook, bytes === null ? result : null);
  const changes: Changes = {
    ...edits,
    ...(bytes === null ? {} : { replaces: true }),
    ...(reply === null ? {} : { reply: { status: reply.status, headers: flat(reply.headers ?? {}) } }),
  };
  const isEmpty = Object.keys(changes).length === 0;
  const text = JSON.stringify({ type: 'done', call: id, changes: isEmpty ? null : changes } satisfies FromPlugin);
  const body = bytes ?? bytesOf(reply?.body);
  if (body === null) return text;
  send(text, bufferOf(body));
  return '';
}

function replyOf(hook: Hook, result: unknown): PluginReply | null {
  if (result === undefined || result === null) return null;
  if (hook === 'onRequest' || hook === 'onRequestBody') return result as PluginReply;
  throw new TypeError(`${hook} returned neither bytes nor a text`);
}

function editsOf({ request, response, requestEdits, responseEdits }: ExchangeState): Changes {
  const changes: { -readonly [K in keyof Changes]: Changes[K] } = {};
  if (request !== null && requestEdits.headers) changes.requestHeaders = request.headers.list;
  if (request !== null && requestEdits.path) [changes.path, changes.query] = [request.path, request.query];
  if (response !== null && responseEdits.headers) changes.responseHeaders = response.headers.list;
  if (response !== null && responseEdits.status) changes.status = response.status;
  requestEdits.headers = requestEdits.path = responseEdits.headers = responseEdits.status = false;
  return changes;
}

/** Headers as a list. Throws for those that HTTP does not allow. */
export function flat(headers: Readonly<Record<string, string>>): string[] {
  return Object.entries(headers).flatMap(([name, value]) => [nameOf(name), valueOf(name, value)]);
}

/** The bytes of a text or of bytes; null for other values. */
export function bytesOf(value: unknown): Uint8Array | null {
  if (typeof value === 'string') return encodeText(value);
  return value instanceof Uint8Array ? value : null;
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer {
  return (byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}

function contextOf(state: Record<string, unknown>): PluginContext {
  return Object.freeze({ config, state, log, metrics, counters, fetch });
}

const log = Object.freeze({
  info: (message: string) => logLine('info', message),
  warn: (message: string) => logLine('warn', message),
  error: (message: string) => logLine('error', message),
});

function logLine(level: 'info' | 'warn' | 'error', message: unknown): void {
  emit({ type: 'log', level, message: describe(message).slice(0, MAX_LOG_LINE) });
}

const metrics = Object.freeze({ count: (name: string, by = 1) => emit({ type: 'metric', name: String(name), by: Number(by) }) });

const counters: PluginContext['counters'] = Object.freeze({
  add: (name: string, by = 1) => operation<number>((op) => emit({ type: 'count', op, name: String(name), by: Number(by) })),
  get: (name: string) => operation<number>((op) => emit({ type: 'count', op, name: String(name), by: 0 })),
});

const fetch: PluginContext['fetch'] = (backend, { method = 'GET', path = '/', headers = {}, body } = {}) =>
  operation((op) => {
    const bytes = bytesOf(body);
    const message = { type: 'ask', op, backend: String(backend), method, path, headers: flat(headers) } as const;
    send(JSON.stringify(message satisfies FromPlugin), bytes === null ? undefined : bufferOf(bytes));
  });

function operation<T>(begin: (op: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const op = ++lastOp;
    begin(op);
    waiting.set(op, { resolve: resolve as (value: unknown) => void, reject });
  });
}

function emit(message: FromPlugin): void {
  send(JSON.stringify(message));
}

/** The calls that nothing can settle any more, as JSON: a promise waits although no operation is under way. */
export function stuckCalls(): string {
  if (waiting.size > 0 || pending.size === 0) return '[]';
  const stuck = [...pending];
  pending.clear();
  return JSON.stringify(stuck);
}

/** The text of any value. What a plugin throws may itself throw. */
export function describe(value: unknown): string {
  try {
    if (typeof value === 'string') return value;
    const { name, message } = value as { name?: unknown; message?: unknown };
    if (typeof message === 'string') return `${typeof name === 'string' ? name : 'Error'}: ${message}`.slice(0, MAX_REASON);
    return String(value).slice(0, MAX_REASON);
  } catch {
    return 'an exception that cannot be shown';
  }
}

/** The value, which cannot be changed any more. */
export function deepFrozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFrozen(inner);
  return Object.freeze(value);
}

function encodeText(text: string): Uint8Array {
  return new Uint8Array(encode(text));
}

/** Invalid bytes become U+FFFD. */
export function decodeText(bytes: Uint8Array): string {
  return decode(bufferOf(bytes));
}
