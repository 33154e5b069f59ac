// The API for operators, as paths of the admin server of a controller or of `weir up`.
import type { Answer, Answerer, StreamedAnswer } from '#lib/admin-server.ts';
import type { Log } from '#lib/log.ts';
import { describeProblem, type Operation } from './operation.ts';

/** The largest body of an operation, bytes: a few hundred endpoints with their labels. */
export const MAX_OPERATION_BYTES = 256 * 1_024;

/** The handlers of operations, by method and path. An exception is logged, and answered as a bug. */
export function operationPaths(operations: readonly Operation[], log: Log): Readonly<Record<string, Answerer>> {
  return Object.fromEntries(operations.map((operation) => [operation.id, answererOf(operation, log)]));
}

function answererOf(operation: Operation, log: Log): Answerer {
  return async (request): Promise<Answer | StreamedAnswer> => {
    try {
      const outcome = await operation.answer(request);
      return outcome.ok ? outcome.value : describeProblem(outcome.error);
    } catch (error) {
      log.error({ err: error, operation: operation.id }, 'a bug stopped an operation');
      return describeProblem({ status: 500, detail: `a bug stopped ${operation.id}; the log has its description` });
    }
  };
}
