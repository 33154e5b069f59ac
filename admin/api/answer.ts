// Writes answers: the body by the schema of its operation, so that members which the schema does not have never leave the program.
import { Readable } from 'node:stream';
import build from 'fast-json-stringify';
import type { FastifyReply } from 'fastify';
import { setCookie } from './cookies.ts';
import { PROBLEM_TYPE, problemBody } from './problem-body.ts';
import type { AdminAnswer, AdminOperation, StreamBody } from './operation.ts';
import type { AdminProblem } from './problem.ts';
import { withHeartbeats } from './stream.ts';

/** All paths of operations begin with it. */
export const API_PREFIX = '/api/v1';

/** The characters of an ETag (RFC 9110 section 8.8.3), without quotes. */
const TAG = /^[\x21\x23-\x7e]{1,256}$/;

export interface AnswerRequest {
  readonly requestId: string;
  /** The header If-None-Match. */
  readonly ifNoneMatch: string | undefined;
  readonly isSecure: boolean;
  readonly signal: AbortSignal;
}

/** Makes the function that sends the answers of an operation. The schema is compiled at the first use. */
export function senderOf(
  operation: AdminOperation,
): (reply: FastifyReply, answer: AdminAnswer<unknown>, request: AnswerRequest) => FastifyReply {
  let spell: ((value: unknown) => string) | null = null;
  const { streams } = operation;
  return (reply, answer, request) => {
    setHeads(reply, operation, answer, request);
    if (streams !== undefined) return reply.type(streams).send(Readable.from(partsOf(streams, answer.body as StreamBody, request.signal)));
    if (operation.status === 204 || operation.status === 302) return reply.send();
    if (operation.method === 'GET' && isKnown(request.ifNoneMatch, answer.etag)) return reply.code(304).send();
    spell ??= build(operation.answer);
    return reply.type('application/json').send(spell(answer.body));
  };
}

function partsOf(type: string, body: StreamBody, signal: AbortSignal): StreamBody {
  return type === 'text/event-stream' ? withHeartbeats(body, signal) : body;
}

function setHeads(
  reply: FastifyReply,
  { status }: AdminOperation,
  { etag, location, cookies = [] }: AdminAnswer<unknown>,
  request: AnswerRequest,
): void {
  void reply.code(status);
  if (etag !== undefined && !TAG.test(etag)) throw new Error(`the ETag ${JSON.stringify(etag)} has a character that is not permitted`);
  if (etag !== undefined) void reply.header('etag', `"${etag}"`);
  if (location !== undefined) void reply.header('location', location.startsWith('/') ? `${API_PREFIX}${location}` : location);
  for (const cookie of cookies) void reply.header('set-cookie', setCookie(cookie, request.isSecure));
}

function isKnown(ifNoneMatch: string | undefined, etag: string | undefined): boolean {
  if (ifNoneMatch === undefined || etag === undefined) return false;
  return ifNoneMatch.split(',').some((tag) => tag.trim().replace(/^W\//, '') === `"${etag}"`);
}

/** Sends a refusal. */
export function sendProblem(reply: FastifyReply, problem: AdminProblem, requestId: string): FastifyReply {
  if (problem.retryAfter !== undefined) void reply.header('retry-after', String(problem.retryAfter));
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer realm="weir"');
  return reply.code(problem.status).type(PROBLEM_TYPE).send(problemBody(problem, requestId));
}
