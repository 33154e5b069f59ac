// Building blocks for the settings of Weir's policies. A setting is never required and has no default in the schema: if an object leaves it
// out, the next policy decides, and finally the flags of the proxy.
import { MAX_EXPRESSION, type ExpressionMoment, type ExpressionResult } from '../expression/expression.ts';
import { SIZE_PATTERN } from '#lib/size.ts';
import { Type, type TProperties, type TSchema } from '#lib/typebox.ts';
import { DURATION_FORM, DURATION_RULES } from './schema.ts';

// Keywords that JSON Schema does not define; schema checkers ignore them.
//   ~unit     the unit after conversion: `milliseconds` or `bytes`
//   ~must     completes the sentence "must be ..." if the description says what the setting does
//   ~form     the form of a text that a pattern cannot express: `path`, `range`, `field`, `regex`,
//             `status`, `condition`, `outcome condition`, `topic condition`, `text expression`, and the same in changes of messages: `request condition`,
//             `request text`, `request body condition`, `request body value`, and those of `response`; `pointer`
//   ~minimum, ~maximum   bounds of a size, bytes
//   ~whole    a group that a nearer policy replaces as one setting
//   ~unresolved   `stays`: such a group has effect also with a reference that does not resolve

const RANGE_FORM = 'a range of addresses like 10.0.0.0/8 or fd00::/8';

/** A duration as text. The brand distinguishes it from other texts in types: as a setting it is a number of milliseconds. */
export type DurationText = string & { readonly '~unit': 'milliseconds' };
/** A size as text or number: as a setting it is a number of bytes. */
export type SizeText = (string | number) & { readonly '~unit': 'bytes' };

/** A length of time. The description becomes the documentation of the field. */
export function duration(description: string) {
  const schema = Type.String({ ...DURATION_RULES, description, '~must': DURATION_FORM, '~unit': 'milliseconds' });
  return Type.Optional(Type.Unsafe<DurationText>(schema));
}

/** A number of bytes, with or without a suffix such as Ki or Mi. */
export function size(description: string, { minimum, maximum = Number.MAX_SAFE_INTEGER }: { minimum: number; maximum?: number }) {
  const bounds = { '~minimum': minimum, '~maximum': maximum };
  const schema = { type: ['integer', 'string'], minimum: 0, maxLength: 16, pattern: SIZE_PATTERN, description, ...bounds };
  return Type.Optional(Type.Unsafe<SizeText>({ ...schema, '~must': 'a size like 65536, 64Ki or 10M', '~unit': 'bytes' } as TSchema));
}

/** A whole number. */
export function count(description: string, { minimum, maximum }: { minimum: number; maximum: number }) {
  return Type.Optional(Type.Integer({ minimum, maximum, description }));
}

/** A share in percent, with decimals such as 0.1. */
export function percent(description: string) {
  return Type.Optional(Type.Number({ minimum: 0, maximum: 100, description }));
}

/** One of several words. */
export function choice<const W extends string>(description: string, words: readonly W[]) {
  return Type.Optional(Type.Enum([...words], { description }));
}

/** Origins whose pages may do something: exact ones, and those below a host name. A nearer policy replaces the whole list. */
export function pageOrigins(description: string) {
  const origin = Type.String({
    minLength: 1,
    maxLength: 253,
    pattern: '^https?://(\\*\\.)?([a-zA-Z0-9-]+\\.)*[a-zA-Z0-9-]+(:[0-9]{1,5})?$',
    '~must': 'an origin like https://example.com or https://*.example.com',
    '~form': 'origin',
  });
  return Type.Optional(Type.Array(origin, { maxItems: 64, description }));
}

/** A list of numbers; a nearer policy replaces the whole list. */
export function numbers(description: string, { minimum, maximum }: { minimum: number; maximum: number }) {
  return Type.Optional(Type.Array(Type.Integer({ minimum, maximum }), { maxItems: 64, description }));
}

/** A list of address ranges such as 10.0.0.0/8; a nearer policy replaces the whole list. */
export function ranges(description: string, maxItems = 256) {
  const range = Type.String({ maxLength: 64, pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$', '~must': RANGE_FORM, '~form': 'range' });
  return Type.Optional(Type.Array(range, { maxItems, description }));
}

/** The name of a header of requests to backends; headers for framing and for the connection are not allowed. */
export function fieldName(description: string) {
  const pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";
  return Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, pattern, description, '~must': 'the name of a header', '~form': 'field' }),
  );
}

/** Statuses of HTTP and ranges of them; a nearer policy replaces the whole list. */
export function statuses(description: string) {
  const rules = { minimum: 100, maximum: 599, maxLength: 7, pattern: '^[1-5][0-9]{2}-[1-5][0-9]{2}$' };
  const status = { type: ['integer', 'string'], ...rules, '~must': 'a status like 200 or a range like 200-299', '~form': 'status' };
  return Type.Optional(Type.Array(Type.Unsafe<number | string>(status as TSchema), { minItems: 1, maxItems: 16, description }));
}

/** Bytes as pairs of hexadecimal digits. */
export function hex(description: string) {
  const rules = { minLength: 2, maxLength: 2_048, pattern: '^([0-9A-Fa-f]{2})+$', '~must': 'pairs of hexadecimal digits' };
  return Type.Optional(Type.String({ ...rules, description }));
}

/** A regular expression with the syntax of RE2. */
export function pattern(description: string) {
  return Type.Optional(Type.String({ minLength: 1, maxLength: 1_024, description, '~form': 'regex' }));
}

/** An expression in CEL over the request (api/expression): a condition that is true or false, or a text. */
export function expression(description: string, result: ExpressionResult = 'bool') {
  const form = result === 'bool' ? 'condition' : 'text expression';
  return Type.Optional(Type.String({ minLength: 1, maxLength: MAX_EXPRESSION, description, '~form': form }));
}

/** A condition in CEL about a request that is over: it also reads the head of the answer and the outcome. */
export function logExpression(description: string) {
  return Type.Optional(Type.String({ minLength: 1, maxLength: MAX_EXPRESSION, description, '~form': 'outcome condition' }));
}

/** A text or a number in CEL about a request that is over. */
export function outcomeExpression(description: string, result: 'text' | 'number') {
  return Type.String({ minLength: 1, maxLength: MAX_EXPRESSION, description, '~form': `outcome ${result}` });
}

/** A condition in CEL that also reads the name of a topic. */
export function topicExpression(description: string) {
  return Type.Optional(Type.String({ minLength: 1, maxLength: MAX_EXPRESSION, description, '~form': 'topic condition' }));
}

/** What an expression in a change is: a condition, a text, a condition that reads the body, or a value in a body. */
const CHANGE_FORMS = { bool: 'condition', string: 'text', body: 'body condition', json: 'body value' } as const;

/** An expression in a change of requests or answers, which also reads `path` and, for answers, `response`. */
export function changeExpression(description: string, kind: keyof typeof CHANGE_FORMS, moment: ExpressionMoment) {
  const form = `${moment} ${CHANGE_FORMS[kind]}`;
  return Type.String({ minLength: 1, maxLength: MAX_EXPRESSION, description, '~form': form });
}

/** The name of a session, as the Gateway API allows it, and as cookies and headers can have it. */
export const SESSION_NAME = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 128,
    pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
    description: 'The name of the cookie or header.',
    '~must': 'the name of a cookie or header',
    '~form': 'field',
  }),
);

/** Several of a list of words, in the order of preference; a nearer policy replaces the whole list. */
export function choices<const W extends string>(description: string, words: readonly W[]) {
  return Type.Optional(Type.Array(Type.Enum([...words]), { minItems: 1, maxItems: 16, description }));
}

/** A text of any characters, or one that a pattern matches as a whole (`form`). */
export function text(description: string, { maxLength, form }: { maxLength: number; form?: string }) {
  return Type.Optional(Type.String({ maxLength, description, ...(form === undefined ? {} : { pattern: `^${form}$` }) }));
}

/** The name of a claim of a caller, such as `sub` or a URL. */
export function claimName(description: string) {
  const form = '^[!-~]([ -~]*[!-~])?$';
  return Type.Optional(Type.String({ minLength: 1, maxLength: 256, pattern: form, description, '~must': 'the name of a claim, like sub' }));
}

/** A media type with parameters, as in Content-Type. */
export function mediaType(description: string) {
  const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+";
  const pattern = `^${token}/${token}(; ?${token}=${token})*$`;
  return Type.Optional(Type.String({ maxLength: 256, pattern, description, '~must': 'a media type like text/html; charset=utf-8' }));
}

/** A boolean. */
export function flag(description: string) {
  return Type.Optional(Type.Boolean({ description }));
}

/** Settings under a common name. Each is merged separately. */
export function group<P extends TProperties>(description: string, settings: P) {
  return Type.Optional(Type.Object(settings, { additionalProperties: false, description }));
}

/**
 * Settings that belong together: a nearer policy replaces all of them, also those that it does not set. `unresolved: 'stays'`: they have
 * effect also with a reference that does not resolve; the filter answers for it.
 */
export function whole<P extends TProperties>(description: string, settings: P, { unresolved }: { unresolved?: 'stays' } = {}) {
  const keywords = { '~whole': true, ...(unresolved === undefined ? {} : { '~unresolved': unresolved }) };
  return Type.Optional(Type.Object(settings, { additionalProperties: false, description, ...keywords }));
}
