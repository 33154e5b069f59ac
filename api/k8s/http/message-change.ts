// The settings that changes of requests and of answers share.
import { Type } from '#lib/typebox.ts';
import type { ExpressionMoment } from '../../expression/expression.ts';
import { changeExpression, group } from '../setting.ts';

const MAX_CHANGES = 64;
const FIELD_NAME = { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", '~must': 'the name of a header' };
const COOKIE_NAME = { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", '~must': 'the name of a cookie' };
const PARAMETER_NAME = { '~must': 'the name of a parameter' };

/** What carries the names: the words for descriptions, and the rules for a name. */
const HEADER = { one: 'header', many: 'headers', rules: FIELD_NAME };
const PARAMETER = { one: 'parameter', many: 'parameters', rules: PARAMETER_NAME };
const COOKIE = { one: 'cookie', many: 'cookies', rules: COOKIE_NAME };
type Carrier = typeof HEADER | typeof PARAMETER | typeof COOKIE;

/** A name of such a part. */
export function partName({ one, rules }: Carrier, description = `The name of the ${one}.`) {
  return Type.String({ minLength: 1, maxLength: 256, ...rules, description });
}

/** A condition of a change. */
export function when(what: string, moment: ExpressionMoment) {
  const facts = moment === 'request' ? 'the request and `path`' : 'the request, the answer (`response`) and `path`';
  return Type.Optional(
    changeExpression(`${what} only if this CEL expression over ${facts} is true. Without a value it is not.`, 'bool', moment),
  );
}

/** A value of a change. */
export function value(moment: ExpressionMoment) {
  return changeExpression('Its value, a CEL expression that gives a text. Without a value there is no such part.', 'string', moment);
}

function setPart(carrier: Carrier, moment: ExpressionMoment) {
  return Type.Object(
    { name: partName(carrier), value: value(moment), when: when('Applies', moment) },
    { additionalProperties: false, description: `One ${carrier.one}.` },
  );
}

function renamePart(carrier: Carrier) {
  return Type.Object(
    { from: partName(carrier, 'The old name.'), to: partName(carrier, 'The new name.') },
    { additionalProperties: false, description: 'One name.' },
  );
}

/** A list of names to remove. */
export function removeParts(carrier: Carrier, description: string) {
  return Type.Optional(Type.Array(partName(carrier), { maxItems: MAX_CHANGES, description }));
}

/** A list of parts to set. */
export function setParts(carrier: Carrier, moment: ExpressionMoment, description: string) {
  return Type.Optional(Type.Array(setPart(carrier, moment), { maxItems: MAX_CHANGES, description }));
}

function renameParts(carrier: Carrier) {
  const description = `New names for ${carrier.many}, in place of others with that name.`;
  return Type.Optional(Type.Array(renamePart(carrier), { maxItems: MAX_CHANGES, description }));
}

function changes(carrier: Carrier, moment: ExpressionMoment, description: string) {
  return group(description, {
    remove: removeParts(carrier, `Removes ${carrier.many}.`),
    rename: renameParts(carrier),
    set: setParts(carrier, moment, `Sets ${carrier.many}, in place of others with that name.`),
    add: setParts(carrier, moment, `Adds ${carrier.many}, beside others with that name.`),
  });
}

/** Changes of headers. */
export function headerChanges(moment: ExpressionMoment) {
  return changes(HEADER, moment, 'Changes headers: removes, renames, sets, then adds.');
}

/** Changes of the query. */
export function queryChanges() {
  return changes(PARAMETER, 'request', 'Changes parameters of the query: removes, renames, sets, then adds.');
}

/** Changes of the cookies of requests. */
export function cookieChanges() {
  return group('Changes cookies: removes, then sets.', {
    remove: removeParts(COOKIE, 'Removes cookies.'),
    set: setParts(COOKIE, 'request', 'Sets cookies, in place of others with that name.'),
  });
}

/** The cookies that answers set. */
export const ANSWER_COOKIE = COOKIE;
