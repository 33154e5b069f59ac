// Label selectors in the words of kubectl: `app=shop,tier!=db,track in (beta, stable),!legacy`.
import type { LabelSelector } from '#api/k8s/k8s.ts';
import { err, ok, type Result } from '#lib/result.ts';

type Expression = LabelSelector['matchExpressions'][number];

const KEY = '(?:[a-z0-9.-]{1,253}/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
const VALUE = '[-A-Za-z0-9_.]{0,63}';
const EQUALS = new RegExp(`^(${KEY})\\s*(=|==|!=)\\s*(${VALUE})$`);
const SET = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([-A-Za-z0-9_.,\\s]*)\\)$`);
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);
const MAX_TERMS = 32;

/** Selects every object. */
export const EVERYTHING: LabelSelector = { matchLabels: {}, matchExpressions: [] };

/** The selector of a text; '' selects everything. The error is a sentence without its subject. */
export function parseSelector(text: string): Result<LabelSelector> {
  // A comma inside of parentheses parts values, not terms.
  const terms = text.split(/,(?![^(]*\))/).map((term) => term.trim());
  if (text.trim() === '') return ok(EVERYTHING);
  if (terms.length > MAX_TERMS) return err(`has more than ${MAX_TERMS} terms`);
  const matchExpressions: Expression[] = [];
  for (const term of terms) {
    const expression = expressionOf(term);
    if (expression === null)
      return err(`has the term ${JSON.stringify(term)}; write name=value, name!=value, name in (a, b), name or !name`);
    matchExpressions.push(expression);
  }
  return ok({ matchLabels: {}, matchExpressions });
}

function expressionOf(term: string): Expression | null {
  return equalsOf(term) ?? setOf(term) ?? existsOf(term);
}

function equalsOf(term: string): Expression | null {
  const [, key, sign, value] = EQUALS.exec(term) ?? [];
  return key === undefined || value === undefined ? null : { key, operator: sign === '!=' ? 'NotIn' : 'In', values: [value] };
}

function setOf(term: string): Expression | null {
  const [, key, word, values] = SET.exec(term) ?? [];
  if (key === undefined || values === undefined) return null;
  return { key, operator: word === 'in' ? 'In' : 'NotIn', values: values.split(',').map((value) => value.trim()) };
}

function existsOf(term: string): Expression | null {
  const [, not, key] = EXISTS.exec(term) ?? [];
  return key === undefined ? null : { key, operator: not === '!' ? 'DoesNotExist' : 'Exists', values: [] };
}
