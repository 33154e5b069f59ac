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
  const problem = targetProblem(path ?? '/', query ?? '') ?? originProblem(changes, method, authority);
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
  if (headers.length > 2 * MAX_HEADERS) return `a message can have ${MAX_HEADERS} headers at most`;
  let size = 0;
  for (let i = 0; i < headers.length; i += 2) {
    const [name, value] = [headers[i] as string, headers[i + 1] as string];
    size += name.length + value.length;
    const problem = headerProblem(side, name, value, before);
    if (problem !== null) return problem;
  }
  return size > MAX_HEAD ? `headers can have ${MAX_HEAD} bytes at most` : null;
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

/** Why a request of a plugin cannot have these headers; null if it can. */
export function problemOfHeaders(headers: readonly string[]): string | null {
  return headersProblem('request', headers, []);
}
