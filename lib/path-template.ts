// Templates of paths such as /users/{id}/*: they become regular expressions in the syntax of RE2.
import { err, ok, type Result } from './result.ts';

const VARIABLE = /\{([^{}]*)\}|\*/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const MAX_VARIABLES = 16;

/**
 * The expression that matches the whole path. `{name}` is a part of one segment, not empty, and a group of that name; `*` as the last segment
 * is the rest of the path, if there is any, and elsewhere a part of one segment. The error is a sentence without its subject.
 */
export function templateExpression(template: string): Result<string> {
  if (!template.startsWith('/')) return err('must start with /');
  if (/[?#\s]/.test(template)) return err('must be a path alone, without a query');
  const names = [...template.matchAll(VARIABLE)].flatMap(([, name]) => (name === undefined ? [] : [name]));
  const problem = problemOfNames(names) ?? (/[{}]/.test(template.replaceAll(VARIABLE, '')) ? 'must close each { with }' : null);
  if (problem !== null) return err(problem);
  const hasRest = template.endsWith('/*');
  const path = hasRest ? template.slice(0, -2) : template;
  return ok(`^${partsOf(path)}${hasRest ? '(?:/(.*))?' : ''}$`);
}

function problemOfNames(names: readonly string[]): string | null {
  const strange = names.find((name) => !NAME.test(name));
  if (strange !== undefined) return `must have names of letters, digits and _ in {}, and has {${strange}}`;
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) return `must have each name once, and has {${twice}} twice`;
  return names.length > MAX_VARIABLES ? `must have at most ${MAX_VARIABLES} names` : null;
}

function partsOf(path: string): string {
  let parts = '';
  let end = 0;
  for (const match of path.matchAll(VARIABLE)) {
    parts += quoted(path.slice(end, match.index)) + (match[1] === undefined ? '([^/]+)' : `(?P<${match[1]}>[^/]+)`);
    end = match.index + match[0].length;
  }
  return parts + quoted(path.slice(end));
}

function quoted(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, '\\$&');
}

/** Expressions match whole paths, which begin with a slash: without this form, an expression with this text could match none. */
const PREFIX = 'template:';

/** The expression of a path match of the type RegularExpression: that of a template, if it has the form `template:/users/{id}`. */
export function pathExpression(value: string): Result<string> {
  return value.startsWith(PREFIX) ? templateExpression(value.slice(PREFIX.length)) : ok(value);
}
