// The API for operators, as paths of the admin server of a controller or of `weir up`.
import type { Answer, Answerer, StreamedAnswer } from '#lib/admin-server.ts';
import type { Log } from '#lib/log.ts';
import type { Result } from '#lib/result.ts';
import { describeProblem, type Asking, type Operation, type Problem } from './operation.ts';

/** The handlers of operations, by method and path. An exception is logged, and answered as a bug. */
export function operationPaths(operations: readonly Operation[], log: Log): Readonly<Record<string, Answerer>> {
  return Object.fromEntries(operations.map((operation) => [operation.id, answererOf(operation, log)]));
}

/** Runs operations by their ids, with parsed input; null: there is none with the id. */
export function operationRunner(
  operations: readonly Operation[],
  log: Log,
): (id: string, input: unknown, asking: Asking) => Promise<Answer | StreamedAnswer> | null {
  const known = new Map(operations.map((each) => [each.id, each]));
  return (id, input, asking) => {
    const found = known.get(id);
    return found === undefined ? null : answered(id, () => found.run(input, asking), log);
  };
}

function answererOf(operation: Operation, log: Log): Answerer {
  return (request) => answered(operation.id, () => operation.answer(request), log);
}

/** The answer of the operation `id`, also to a refusal. An exception is logged, and answered as a bug. */
export async function answered(
  id: string,
  run: () => Promise<Result<Answer | StreamedAnswer, Problem>>,
  log: Log,
): Promise<Answer | StreamedAnswer> {
  try {
    const outcome = await run();
    return outcome.ok ? outcome.value : describeProblem(outcome.error);
  } catch (error) {
    log.error({ err: error, operation: id }, 'a bug stopped an operation');
    return describeProblem({ status: 500, detail: `a bug stopped ${id}; the log has its description` });
  }
}
