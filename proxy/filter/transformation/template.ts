// The expressions of changes, compiled once, and what they read.
import { compileExpression, type Expression, type ExpressionMoment } from '#api/expression/expression.ts';
import { PathFacts, type Facts } from '#api/expression/facts.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import { Slot } from '../../exchange/slot.ts';
import { requestFacts, responseFacts } from '../facts.ts';

/** A text for a message; null: it has no value. */
export type Template = (facts: Facts) => string | null;

/** Whether a change applies. */
export type Condition = (facts: Facts) => boolean;

/** The rules of the policy have been checked: it compiles. */
function compiled(source: string, result: 'bool' | 'string', moment: ExpressionMoment): Expression {
  const expression = compileExpression(source, { result, moment, path: true });
  if (!expression.ok) throw new Error(`${source} ${expression.error}`);
  return expression.value;
}

/** A longer value is none: one part of a request must not grow to many of its size. */
const MAX_VALUE = 16_384;

export function template(source: string, moment: ExpressionMoment): Template {
  const expression = compiled(source, 'string', moment);
  return (facts) => {
    const value = expression.evaluate(facts);
    return value.ok && typeof value.value === 'string' && value.value.length <= MAX_VALUE ? value.value : null;
  };
}

/** Always true without an expression. */
export function condition(source: string | undefined, moment: ExpressionMoment): Condition {
  if (source === undefined) return () => true;
  const expression = compiled(source, 'bool', moment);
  return (facts) => {
    const value = expression.evaluate(facts);
    return value.ok && value.value === true;
  };
}

/** What the expression of the policy found in the path of the request: found once, for both halves. */
export const pathFacts = new Slot<PathFacts>();

const NO_PATH = new PathFacts();

/** What changes of requests read. */
export function changeFacts(exchange: Exchange): Facts {
  return { ...requestFacts(exchange), path: pathFacts.get(exchange) ?? NO_PATH };
}

/** What changes of answers read. */
export function answerFacts(exchange: Exchange): Facts {
  return { ...responseFacts(exchange), path: pathFacts.get(exchange) ?? NO_PATH };
}
