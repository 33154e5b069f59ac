// Refusals of Fastify, as problems: its messages and codes are not part of the API.
import type { FastifyError } from 'fastify';
import type { AdminProblem } from './problem.ts';

const NOT_JSON: AdminProblem = { status: 400, code: 'not-json', detail: 'the body is not JSON' };

const PROBLEMS: Readonly<Record<string, AdminProblem>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: { status: 413, code: 'body-too-large', detail: 'the body is larger than the operation takes' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    status: 415,
    code: 'content-type',
    detail: 'the Content-Type must be that of the operation, mostly application/json',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    status: 400,
    code: 'content-length',
    detail: 'the body does not have the length that its head names',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: { status: 400, code: 'not-json', detail: 'the body is empty, and its Content-Type is application/json' },
  FST_ERR_CTP_INVALID_JSON_BODY: NOT_JSON,
  FST_ERR_BAD_URL: { status: 400, code: 'path-malformed', detail: 'the path is not a valid URL path' },
  FST_ERR_MAX_PARAM_LENGTH: { status: 400, code: 'path-malformed', detail: 'a parameter of the path is too long' },
};

const BUG: AdminProblem = {
  status: 500,
  code: 'bug',
  detail: 'a bug stopped the request; the log has its description under the id of this request',
};

/** The problem of an error of the framework or its parsers; 500 for any other error. */
export function problemOf(error: Partial<FastifyError>): AdminProblem {
  const { code = '' } = error;
  if (Object.hasOwn(PROBLEMS, code)) return PROBLEMS[code] ?? BUG;
  // Errors of the JSON parser, also for names that reach prototypes, have a status and no code.
  return error.statusCode === 400 ? NOT_JSON : BUG;
}
