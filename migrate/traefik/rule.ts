// Rules of Traefik routers, as Host(`a.test`) && PathPrefix(`/api`): text > alternatives of conditions.
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';

/** One condition: a matcher with its arguments. */
export interface Condition {
  readonly matcher: string;
  readonly args: readonly string[];
}

/** Conditions that must hold together. */
export type Alternative = readonly Condition[];

/** More alternatives than a route may have matches. */
const MAX_ALTERNATIVES = 64;
const TOKEN = /\s*(?:(&&|\|\||!|\(|\)|,)|`([^`]*)`|"((?:[^"\\]|\\.)*)"|([A-Za-z]+))/y;

type Token = { readonly sign: string } | { readonly text: string } | { readonly word: string };

/** The alternatives of a rule, of which one must hold; or why it cannot be read. */
export function parseRule(rule: string): Result<readonly Alternative[]> {
  const tokens = tokensOf(rule);
  if (tokens === null) return err(`the rule ${JSON.stringify(rule)} cannot be read`);
  try {
    const parser = new RuleParser(tokens);
    const alternatives = parser.any();
    parser.end();
    return alternatives.length > MAX_ALTERNATIVES ? err('the rule has more than 64 alternatives') : ok(alternatives);
  } catch (error) {
    if (error instanceof RuleError) return err(error.message);
    throw error;
  }
}

/** Leaves the parser only as a value. */
class RuleError extends Error {}

function tokensOf(rule: string): Token[] | null {
  const tokens: Token[] = [];
  const text = rule.trim();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    if (found === null) return null;
    const [, sign, raw, quoted, word] = found;
    if (sign !== undefined) tokens.push({ sign });
    else if (word !== undefined) tokens.push({ word });
    else tokens.push({ text: raw ?? (quoted ?? '').replace(/\\(.)/g, '$1') });
  }
  return tokens;
}

class RuleParser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Alternatives joined by `||`. */
  any(): readonly Alternative[] {
    let alternatives = this.#all();
    while (this.#takes('||')) alternatives = [...alternatives, ...this.#all()];
    return alternatives;
  }

  end(): void {
    if (this.#next < this.#tokens.length) throw new RuleError('the rule has something behind its end');
  }

  /** Conditions joined by `&&`, multiplied out. */
  #all(): readonly Alternative[] {
    let alternatives = this.#one();
    while (this.#takes('&&')) {
      const right = this.#one();
      alternatives = alternatives.flatMap((left) => right.map((each) => [...left, ...each]));
      if (alternatives.length > MAX_ALTERNATIVES) throw new RuleError('the rule has more than 64 alternatives');
    }
    return alternatives;
  }

  #one(): readonly Alternative[] {
    if (this.#takes('!')) throw new RuleError('the rule has a negation, and the Gateway API has none');
    if (this.#takes('(')) {
      const inner = this.any();
      this.#needs(')');
      return inner;
    }
    const token = this.#tokens[this.#next++];
    if (token === undefined || !('word' in token)) throw new RuleError('the rule lacks a matcher');
    this.#needs('(');
    return alternativesOf(token.word, this.#arguments());
  }

  #arguments(): string[] {
    const args: string[] = [];
    do {
      const token = this.#tokens[this.#next++];
      if (token === undefined || !('text' in token)) throw new RuleError('the rule lacks an argument');
      args.push(token.text);
    } while (this.#takes(','));
    this.#needs(')');
    return args;
  }

  #takes(sign: string): boolean {
    const token = this.#tokens[this.#next];
    if (token === undefined || !('sign' in token) || token.sign !== sign) return false;
    this.#next++;
    return true;
  }

  #needs(sign: string): void {
    if (!this.#takes(sign)) throw new RuleError(`the rule lacks ${JSON.stringify(sign)}`);
  }
}

/** Matchers whose arguments form one condition; of all others any argument may hold. */
const WITH_NAME = new Set(['Header', 'Headers', 'HeaderRegexp', 'HeadersRegexp', 'Query', 'QueryRegexp']);

function alternativesOf(matcher: string, args: readonly string[]): readonly Alternative[] {
  return WITH_NAME.has(matcher) ? [[{ matcher, args }]] : args.map((arg) => [{ matcher, args: [arg] }]);
}
