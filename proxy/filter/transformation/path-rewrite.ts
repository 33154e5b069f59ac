// Takes the path of a request apart by an expression, and replaces the part that matches.
import type { Matcher, RE2JS } from 're2js';
import { PathFacts } from '#api/expression/facts.ts';
import { normalisePath } from '#api/match/normalise.ts';
import { normaliseExpression } from '#api/match/path-expression.ts';
import { compileRegex } from '#api/match/regex.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import { replacementParts, type ReplacementPart } from '#lib/path-replacement.ts';
import { pathExpression, templateExpression } from '#lib/path-template.ts';
import { singleSlash } from '../path-modifier.ts';
import { targetText } from '../text.ts';

type Settings = NonNullable<NonNullable<PolicySettings<'HTTPPolicy'>['request']>['path']>;

/** The parts of a path, and the path in its place. */
export interface PathChange {
  readonly facts: PathFacts;
  /** Null: the new path is none that a backend may get. */
  readonly path: string | null;
}

export class PathRewrite {
  readonly #pattern: RE2JS;
  readonly #names: readonly (readonly [string, number])[];
  /** Literal text has the form of paths; null: the path stays. */
  readonly #replacement: readonly ReplacementPart[] | null;

  private constructor(pattern: RE2JS, replace: string | undefined) {
    this.#pattern = pattern;
    this.#names = Object.entries(pattern.namedGroups());
    this.#replacement =
      replace === undefined ? null : replacementParts(replace).map((part) => ('text' in part ? { text: targetText(part.text) } : part));
  }

  /** Null if the settings take no path apart. */
  static of({ match, template, replace }: Settings = {}): PathRewrite | null {
    const source = template === undefined ? match : valueOf(templateExpression(template));
    return source === undefined ? null : new PathRewrite(valueOf(compileRegex(normaliseExpression(source))).pattern, replace);
  }

  /** What takes paths apart that match the rule by an expression or a template. The rules of the route have been checked. */
  static ofRule(expressions: readonly string[]): readonly PathRewrite[] {
    return expressions.flatMap((value) => {
      const source = pathExpression(value);
      const regex = source.ok ? compileRegex(normaliseExpression(`^(?:${source.value})$`)) : source;
      return regex.ok ? [new PathRewrite(regex.value.pattern, undefined)] : [];
    });
  }

  /** Null if the expression does not match. */
  change(path: string): PathChange | null {
    const matcher = this.#pattern.matcher(path);
    if (!matcher.find()) return null;
    const captures = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? '');
    const params = new Map(this.#names.map(([name, group]) => [name, decoded(captures[group] ?? '')]));
    return { facts: new PathFacts(captures, params), path: this.#replaced(path, matcher, captures) };
  }

  #replaced(path: string, matcher: Matcher, captures: readonly string[]): string | null {
    if (this.#replacement === null) return path;
    const groups = new Map<number | string, string>([
      ...captures.entries(),
      ...this.#names.map(([name, group]) => [name, captures[group] ?? ''] as const),
    ]);
    const middle = this.#replacement.map((part) => ('text' in part ? part.text : (groups.get(part.group) ?? ''))).join('');
    return safePath(path.slice(0, matcher.start()) + middle + path.slice(matcher.end()));
  }
}

/** Characters of a new path: groups may occur many times. */
const MAX_PATH = 16_384;

/**
 * The path as a backend may get it: with one slash at the start, so that it is no host, and in the normal form. Null if its parts make dot
 * segments: the author of the policy meant no other folder.
 */
function safePath(path: string): string | null {
  if (path.length > MAX_PATH) return null;
  const whole = singleSlash(path);
  return /\/\.\.?(\/|$)/.test(whole.replaceAll(/%2e/gi, '.')) ? null : normalisePath(whole);
}

/** Escapes that are not UTF-8 stay. */
function decoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The rules of the policy have been checked: there is a value. */
function valueOf<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string }): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}
