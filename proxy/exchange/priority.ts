// The priority of a request: which requests an overloaded proxy answers, and in which order a queue serves them.
import type { Exchange } from './exchange.ts';
import { getHeader } from './headers.ts';

/** The lower, the more important. */
export type Priority = 0 | 1 | 2;

/** The priorities by name. */
export const PRIORITY = Object.freeze({ critical: 0, default: 1, sheddable: 2 });

/** The names in the order of the priorities, as in headers and metrics. */
export const PRIORITY_NAMES = Object.keys(PRIORITY) as readonly (keyof typeof PRIORITY)[];

/** The priority of the requests of a rule. */
export interface PriorityPlan {
  readonly level: Priority;
  /** The header whose value wins over the level, name in lower case; null: none, because any client may send headers. */
  readonly header: string | null;
}

/** The priority of a request by its plan. */
export function priorityOf({ route, requestHeaders }: Exchange): Priority {
  const plan = route === null ? null : route.priority;
  if (plan === null) return PRIORITY.default;
  const named = plan.header === null ? null : getHeader(requestHeaders, plan.header);
  return named === null ? plan.level : parse(named, plan.level);
}

function parse(name: string, otherwise: Priority): Priority {
  const priority = PRIORITY_NAMES.indexOf(name.toLowerCase() as keyof typeof PRIORITY);
  return priority < 0 ? otherwise : (priority as Priority);
}
