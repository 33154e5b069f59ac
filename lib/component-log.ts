// The logs of the parts of a process: each part has the level of the process until it gets another one.
import { LOG_LEVELS } from './log.ts';
import type { Log } from './log.ts';
import { err, ok } from './result.ts';
import type { Result } from './result.ts';

/** The logs of the parts, by the log of their process. */
const COMPONENTS = new WeakMap<Log, Map<string, Log>>();

/** The log of a part of the process that has this log. Its lines have the field `component`. The same name has the same log. */
export function componentLog(log: Log, component: string): Log {
  const known = COMPONENTS.get(log) ?? new Map<string, Log>();
  COMPONENTS.set(log, known);
  const own = known.get(component) ?? log.child({ component });
  known.set(component, own);
  return own;
}

/** Sets the level of one part, or with '' that of the process and all its parts. An error: the level or the part does not exist. */
export function setLogLevel(log: Log, level: string, component: string): Result<undefined> {
  if (!(LOG_LEVELS as readonly string[]).includes(level))
    return err(`${JSON.stringify(level)} is no log level; there are: ${LOG_LEVELS.join(', ')}`);
  const components = COMPONENTS.get(log) ?? new Map<string, Log>();
  const meant = component === '' ? [log, ...components.values()] : [components.get(component)];
  for (const each of meant) {
    if (each === undefined) return err(`${JSON.stringify(component)} is no component; there are: ${[...components.keys()].join(', ')}`);
    each.level = level;
  }
  return ok(undefined);
}

/** The level of a part, or with '' that of the process; null: the part does not exist. */
export function logLevelOf(log: Log, component: string): string | null {
  return component === '' ? log.level : (COMPONENTS.get(log)?.get(component)?.level ?? null);
}
