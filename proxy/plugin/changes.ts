// Applies the changes of a plugin to an exchange. All of them are checked first: a plugin can write nothing that the proxy would not.
import { editObstacle, isHostValue, type HeaderSide } from '#api/k8s/header-rules.ts';
import { normalisePath } from '#api/match/normalise.ts';
import { mayHaveBody } from '../exchange/changed-body.ts';
import { ERRORS, withStatuses, type ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { grpcStatusOfHttp } from '../exchange/grpc-status.ts';
import type { Headers } from '../exchange/headers.ts';
import { localReply, reply } from '../exchange/local-reply.ts';
import type { Changes, Hook, Reply } from './message.ts';

/** Characters of all headers of a message together, and their number. */
const MAX_HEAD = 61_440;
const MAX_HEADERS = 256;
const TOO_MANY = `a message can have ${MAX_HEADERS} headers at most`;
const TOO_LARGE = `headers can have ${MAX_HEAD} bytes at most`;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** RFC 9110 section 5.5; a character is a byte. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
const QUERY = /^[\x21-\x22\x24-\x7e]*$/;
/** The part of each hook: a head that is on its way stays as it is. */
const REQUEST_HOOKS: ReadonlySet<Hook> = new Set(['onRequest', 'onRequestBody']);
const RESPONSE_HOOKS: ReadonlySet<Hook> = new Set(['onResponse', 'onResponseBody']);
const METHOD = /^[A-Z]{1,20}$/;

/** Applies what a hook changed, `bytes` being the body of its reply. Returns why that is refused; null: it is done. */
export function applyChanges(exchange: Exchange, hook: Hook, changes: Changes, bytes: Buffer | null): string | null {
  const problem = REQUEST_HOOKS.has(hook)
    ? requestProblem(changes, exchange)
    : RESPONSE_HOOKS.has(hook)
      ? responseProblem(changes, exchange)
      : laterProblem(changes);
  if (problem !== null) return problem;
  if (REQUEST_HOOKS.has(hook)) applyToRequest(exchange, changes, bytes);
  else if (RESPONSE_HOOKS.has(hook)) applyToResponse(exchange, changes);
  return null;
}

function requestProblem(changes: Changes, { requestHeaders: before, method, authority }: Exchange): string | null {
  const { path, query, requestHeaders, reply: answer } = changes;
  const isMoved = path !== undefined || query !== undefined;
  const problem = (isMoved ? targetProblem(path ?? '/', query ?? '') : null) ?? originProblem(changes, method, authority);
  if (problem !== null) return problem;
  const inHeaders = requestHeaders === undefined ? null : headersProblem('request', requestHeaders, before);
  return inHeaders ?? replyProblem(answer);
}

/** What it was is right as it is. */
function originProblem({ method, authority }: Changes, methodBefore: string, authorityBefore: string): string | null {
  if (method !== undefined && method !== methodBefore && (!METHOD.test(method) || method === 'CONNECT')) return 'the method is not valid';
  return authority === undefined || authority === authorityBefore || isHostValue(authority) ? null : 'the authority is no host';
}

function replyProblem(answer: Changes['reply']): string | null {
  return answer === undefined ? null : (statusProblem(answer.status) ?? headersProblem('response', answer.headers, []));
}

/** Of bodies and trailers. */
function laterProblem({ trailers, reply: answer }: Changes): string | null {
  return (trailers === undefined ? null : headersProblem('response', trailers, [])) ?? replyProblem(answer);
}

function targetProblem(path: string, query: string): string | null {
  if (path.length > MAX_HEAD || normalisePath(path) === null) return 'the path is not valid';
  return query.length > MAX_HEAD || !QUERY.test(query) ? 'the query is not valid' : null;
}

function responseProblem({ status, responseHeaders, reply: answer }: Changes, exchange: Exchange): string | null {
  if (answer !== undefined) return replyProblem(answer);
  const problem = responseHeaders === undefined ? null : headersProblem('response', responseHeaders, exchange.responseHeaders);
  if (problem !== null || status === undefined) return problem;
  if (!mayHaveBody(exchange) || isBodiless(status))
    return status === exchange.status ? null : 'a status with a body cannot become one without';
  return statusProblem(status);
}

function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

function statusProblem(status: number): string | null {
  return Number.isInteger(status) && status >= 200 && status <= 599 ? null : 'a status must be from 200 to 599';
}

function headersProblem(side: HeaderSide, headers: readonly string[], before: readonly string[]): string | null {
  if (headers.length > 2 * MAX_HEADERS) return TOO_MANY;
  let size = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i] as string, headers[i + 1] as string];
    size += name.length + value.length;
    const problem = headerProblem(side, name, value, before);
    if (problem !== null) return problem;
  }
  return size > MAX_HEAD ? TOO_LARGE : removalProblem(side, headers, before);
}

/** A header that cannot be removed must stay. */
function removalProblem(side: HeaderSide, headers: readonly string[], before: readonly string[]): string | null {
  for (let i = 0; i < before.length; i += 2) {
    const name = before[i] as string;
    const obstacle = editObstacle(side, 'remove', name);
    if (obstacle !== null && !headers.some((member, at) => at % 2 === 0 && member === name)) return `header ${name} ${obstacle}`;
  }
  return null;
}

function headerProblem(side: HeaderSide, name: string, value: string, before: readonly string[]): string | null {
  if (!NAME.test(name)) return 'the name of a header has characters that HTTP does not allow';
  if (!VALUE.test(value)) return `the value of header ${name} has characters that HTTP does not allow`;
  const obstacle = editObstacle(side, 'set', name);
  if (obstacle !== null && !isKept(before, name, value)) return `header ${name} ${obstacle}`;
  return side === 'request' && name === 'host' && !isHostValue(value) ? 'header host is no host' : null;
}

/** Whether the message has this header already. */
function isKept(before: readonly string[], name: string, value: string): boolean {
  for (let i = 0; i < before.length; i += 2) if (before[i] === name && before[i + 1] === value) return true;
  return false;
}

/** The same list with other members: some filters know an answer by its list. */
function changed(headers: Headers, members: readonly string[]): Headers {
  if (headers.length === 0) return [...members];
  headers.splice(0, headers.length, ...members);
  return headers;
}

function applyToRequest(exchange: Exchange, changes: Changes, bytes: Buffer | null): void {
  const { method, authority, path, query, requestHeaders, reply: answer } = changes;
  if (method !== undefined) exchange.method = method;
  if (authority !== undefined) exchange.authority = authority;
  if (path !== undefined) exchange.path = normalisePath(path) as string;
  if (query !== undefined) [exchange.query, exchange.hasQuery] = [query, query !== ''];
  if (requestHeaders !== undefined) exchange.requestHeaders = changed(exchange.requestHeaders, requestHeaders);
  if (answer !== undefined) replyWith(exchange, answer, bytes);
}

function replyWith(exchange: Exchange, answer: Reply, bytes: Buffer | null): void {
  if (exchange.grpc && (answer.grpcStatus !== undefined || answer.status >= 400)) return replyToCall(exchange, answer);
  reply(exchange, answer.status, [...answer.headers], isBodiless(answer.status) ? null : (bytes ?? Buffer.alloc(0)));
}

/** A call gets the status of gRPC that the plugin chose. */
function replyToCall(exchange: Exchange, answer: Reply): void {
  const error = refusalOf(answer);
  exchange.error = error;
  localReply(exchange, error);
}

/** The error of an answer where only its status counts. */
export function refusalOf({ status, grpcStatus }: Reply): ExchangeError {
  return withStatuses(ERRORS.pluginRefused, status < 400 ? 403 : status, grpcStatus ?? grpcStatusOfHttp(status));
}

function applyToResponse(exchange: Exchange, { status, responseHeaders, reply: answer }: Changes): void {
  if (answer !== undefined) return;
  if (responseHeaders !== undefined) exchange.responseHeaders = changed(exchange.responseHeaders, responseHeaders);
  if (status !== undefined) exchange.status = status;
}

/** Applies changes in lines (`quickjs/guest/quick.ts`). Only what changes is checked. Returns why they are refused; null: it is done. */
export function applyEdits(exchange: Exchange, hook: Hook, edits: string): string | null {
  const side = REQUEST_HOOKS.has(hook) ? 'request' : 'response';
  const before = side === 'request' ? exchange.requestHeaders : exchange.responseHeaders;
  const changes = edited(side, before, edits);
  if (typeof changes === 'string') return changes;
  const { headers, target } = changes;
  const problem = side === 'request' ? requestProblem(target, exchange) : responseProblem(target, exchange);
  if (problem !== null) return problem;
  if (headers !== null) target[side === 'request' ? 'requestHeaders' : 'responseHeaders'] = headers;
  if (side === 'request') applyToRequest(exchange, target, null);
  else applyToResponse(exchange, target);
  return null;
}

/** The changes; those of headers once all are checked. */
type Target = { -readonly [K in 'path' | 'query' | 'status' | 'requestHeaders' | 'responseHeaders']?: Changes[K] };

interface Edited {
  /** Null: unchanged. */
  readonly headers: readonly string[] | null;
  readonly target: Target;
}

/** What the lines mean, or what is wrong with them. */
function edited(side: HeaderSide, before: readonly string[], edits: string): Edited | string {
  const [headers, target]: [string[], Target] = [[...before], {}];
  let areChanged = false;
  for (const line of edits.split('\n')) {
    if (line === '' || editTarget(target, line)) continue;
    const problem = editHeader(side, headers, line);
    if (problem !== null) return problem;
    areChanged = true;
  }
  const problem = areChanged ? sizeProblem(headers) : null;
  return problem ?? { headers: areChanged ? headers : null, target };
}

/** Takes a line that is not about a header. */
function editTarget(target: Target, line: string): boolean {
  const text = line.slice(1);
  if (line.startsWith('>')) target.path = text;
  else if (line.startsWith('&')) target.query = text;
  else if (line.startsWith('#')) target.status = Number(text);
  else return false;
  return true;
}

function editHeader(side: HeaderSide, headers: string[], line: string): string | null {
  if (line.startsWith('-')) return removeHeader(side, headers, line.slice(1));
  const end = line.indexOf(':');
  const [name, value] = [line.slice(1, end), line.slice(end + 1)];
  const problem = headerProblem(side, name, value, headers);
  if (problem !== null) return problem;
  if (line.startsWith('=')) setHeaderIn(headers, name, value);
  else headers.push(name, value);
  return headers.length > 2 * MAX_HEADERS ? TOO_MANY : null;
}

function removeHeader(side: HeaderSide, headers: string[], name: string): string | null {
  const obstacle = editObstacle(side, 'remove', name);
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (headers[i] !== name) continue;
    if (obstacle !== null) return `header ${name} ${obstacle}`;
    headers.splice(i, 2);
  }
  return null;
}

/** Replaces the first one, and removes the others. */
function setHeaderIn(headers: string[], name: string, value: string): void {
  let first = -1;
  for (let i = headers.length - 2; i >= 0; i -= 2) {
    if (headers[i] !== name) continue;
    if (first !== -1) headers.splice(first, 2);
    first = i;
  }
  if (first === -1) headers.push(name, value);
  else headers[first + 1] = value;
}

function sizeProblem(headers: readonly string[]): string | null {
  if (headers.length > 2 * MAX_HEADERS) return TOO_MANY;
  let size = 0;
  for (const text of headers) size += text.length;
  return size > MAX_HEAD ? TOO_LARGE : null;
}

/** Why a request of a plugin cannot have these headers; null if it can. */
export function problemOfHeaders(headers: readonly string[]): string | null {
  return headersProblem('request', headers, []);
}
