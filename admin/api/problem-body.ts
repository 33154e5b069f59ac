// The body of a refusal: `application/problem+json` (RFC 9457), with the members code, requestId and errors.
import { PROBLEM_TITLES, type AdminProblem } from './problem.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** The JSON of a refusal. `requestId`: the same as in the header X-Request-Id and in the log. */
export function problemBody({ status, code, detail, errors, more }: AdminProblem, requestId: string): string {
  const body = { ...more, type: 'about:blank', title: PROBLEM_TITLES[status], status, code, detail, requestId };
  return JSON.stringify(errors === undefined ? body : { ...body, errors });
}
