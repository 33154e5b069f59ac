// Requests that are no HTTP, are too large or too slow: the parser refuses them before any code of ours sees them.
import type { Socket } from 'node:net';
import { PROBLEM_TYPE, problemBody } from './problem-body.ts';
import type { AdminProblem } from './problem.ts';

interface ParserError extends Error {
  readonly code?: string;
}

const PROBLEMS: Readonly<Record<string, AdminProblem>> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: 'head-too-large', detail: 'the head of the request is too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'too-slow', detail: 'the request did not arrive in time' },
};

const MALFORMED: AdminProblem = { status: 400, code: 'malformed', detail: 'the request is not valid HTTP' };

const REASONS: Readonly<Partial<Record<number, string>>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** Answers, and closes the connection: what follows on it cannot be trusted. */
export function answerClientError(error: ParserError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) return void socket.destroy();
  const problem = (Object.hasOwn(PROBLEMS, error.code ?? '') ? PROBLEMS[error.code ?? ''] : undefined) ?? MALFORMED;
  const body = problemBody(problem, '');
  const head = [
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status] ?? ''}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
