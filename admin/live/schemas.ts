// Pieces of the schemas of live state. Answers are open: they keep every member that the controller has, also one of a later release.
import { Type, type TProperties } from '#lib/typebox.ts';

/** A closed object, for input. */
export function input<P extends TProperties>(properties: P) {
  return Type.Object(properties, { additionalProperties: false });
}

/** An open object, for answers. */
export function shown<P extends TProperties>(properties: P) {
  return Type.Object(properties, { additionalProperties: true });
}

/** A list of open objects. */
export function list<P extends TProperties>(properties: P) {
  return Type.Array(shown(properties));
}

/** A name of Weir or Kubernetes, or an address. */
export const NAME = Type.String({ minLength: 1, maxLength: 512 });
export const TEXT = Type.String();
export const NUMBER = Type.Number();
export const COUNT = Type.Integer({ minimum: 0 });
/** Null: nothing was measured. */
export const MEASURE = Type.Union([Type.Number(), Type.Null()]);
export const OPTIONAL_TEXT = Type.Union([Type.String(), Type.Null()]);
/** Like `5m`. */
export const DURATION = Type.String({ minLength: 2, maxLength: 32 });
/** Names of proxies; absent: all. */
export const PROXIES = Type.Optional(Type.Array(NAME, { minItems: 1, maxItems: 1_000 }));
/** The number of a worker from 0; '' for the default. */
export const WORKER = Type.Optional(Type.String({ maxLength: 16 }));

/** The most entries of an answer. */
export function top(maximum: number, standard: number) {
  return Type.Optional(Type.Integer({ minimum: 1, maximum, description: `The most entries of the answer, ${standard} by default.` }));
}

/** How a command ended at each proxy. */
export const ENDS = list({ proxy: TEXT, scope: TEXT, outcome: TEXT, reason: TEXT });
/** The answer to a command. */
export const COMMANDED = shown({ proxies: ENDS });
/** Controllers that did not answer. */
export const MISSING = Type.Array(Type.String(), { description: 'Controllers that did not answer: the answer lacks their proxies.' });
