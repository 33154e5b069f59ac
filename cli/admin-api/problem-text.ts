// Problems of the admin API as messages for the user: one line with the reason and the remedy.
import type { Result } from '#lib/result.ts';
import type { Problem } from '../../client/problem.ts';
import { UsageError } from '../command.ts';
import { printable } from '../operations/table.ts';
import type { ApiTarget } from './api-target.ts';

/** The longest text of a server in a message. */
const MAX_TEXT = 2_000;

/** The value. Throws a UsageError with the text of the problem if there is none. */
export function valueOf<T>(result: Result<T, Problem>, target: Pick<ApiTarget, 'hide' | 'name'>): T {
  if (result.ok) return result.value;
  throw new UsageError(problemText(result.error, target));
}

/** The problem in one line. */
export function problemText(problem: Problem, { hide, name }: Pick<ApiTarget, 'hide' | 'name'>): string {
  const { detail, errors, status, requestId } = problem;
  const fields = errors.map(({ field, reason }) => `${field} ${reason}`);
  const text = [detail, ...fields].join('; ').slice(0, MAX_TEXT);
  const request = status >= 500 && requestId !== '' ? ` (request ${requestId.slice(0, 64)})` : '';
  return printable(hide(`${text}${remedyFor(problem, name)}${request}`));
}

function remedyFor({ status, code }: Problem, name: string | null): string {
  if (status === 401 && code !== 'login-refused')
    return name === null ? '; give WEIR_TOKEN or --token-file' : `; log in with weir login --context ${name}`;
  if (code === 'csrf-token-needed' && name !== null) return `; log in again with weir login --context ${name}`;
  if (code === 'unreachable') return '; is the admin program running there? Another server is chosen with --context or --server';
  return '';
}
