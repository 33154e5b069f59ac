// Commands with several actions, like `weir consumer create`: the first word names one.
import { UsageError } from './command.ts';

/** The action that the first word names, and the words after it. Throws a UsageError with the names of all. */
export function actionOf<A>(
  command: string,
  actions: Readonly<Record<string, A>>,
  words: readonly string[],
): readonly [A, readonly string[]] {
  const [name = '', ...rest] = words;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw new UsageError(`weir ${command} takes one of ${Object.keys(actions).join(', ')}`);
  return [action, rest];
}
