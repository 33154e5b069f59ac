// The vocabulary that the settings of Weir's own policies are written in. A setting is never required and never has a default in
// the schema: what an object leaves out is left to the policy further out, and at last to the flags of the proxy.
import { SIZE_PATTERN } from '#lib/size.ts';
import { Type, type TProperties, type TSchema } from 'typebox';
import { DURATION_FORM, DURATION_RULES } from './schema.ts';

// Keywords that JSON Schema does not know; checkers of schemas pass over them.
//   ~unit     what a value is turned into: `milliseconds` or `bytes`
//   ~must     completes the sentence "must be ..." where the description says what the setting does
//   ~form     what the text is, where a pattern cannot say it: `range`, `field`
//   ~minimum, ~maximum   bounds of a size, bytes

const RANGE_FORM = 'a range of addresses like 10.0.0.0/8 or fd00::/8';

/** A duration as text. The brand lets types tell it from other texts: as a setting it is a number of milliseconds. */
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

/** One of several words. */
export function choice<const W extends string>(description: string, words: readonly W[]) {
  return Type.Optional(Type.Enum([...words], { description }));
}

/** Numbers that stand or fall together: a nearer policy replaces the whole list. */
export function numbers(description: string, { minimum, maximum }: { minimum: number; maximum: number }) {
  return Type.Optional(Type.Array(Type.Integer({ minimum, maximum }), { maxItems: 64, description }));
}

/** Ranges of addresses, as 10.0.0.0/8; they stand or fall together. */
export function ranges(description: string) {
  const range = Type.String({ maxLength: 64, pattern: '^[0-9a-fA-F.:]+/[0-9]{1,3}$', '~must': RANGE_FORM, '~form': 'range' });
  return Type.Optional(Type.Array(range, { maxItems: 256, description }));
}

/** The name of a header that requests carry to backends; codecs keep those of framing and of the connection to themselves. */
export function fieldName(description: string) {
  const pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";
  return Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, pattern, description, '~must': 'the name of a header', '~form': 'field' }),
  );
}

/** Some of several words, in the order of preference; a nearer policy replaces the whole list. */
export function choices<const W extends string>(description: string, words: readonly W[]) {
  return Type.Optional(Type.Array(Type.Enum([...words]), { minItems: 1, maxItems: 16, description }));
}

/** Yes or no. */
export function flag(description: string) {
  return Type.Optional(Type.Boolean({ description }));
}

/** Settings that belong together under one name. Each is merged by itself. */
export function group<P extends TProperties>(description: string, settings: P) {
  return Type.Optional(Type.Object(settings, { additionalProperties: false, description }));
}
