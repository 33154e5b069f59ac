// What the groups of GatewayParameters are made of.
import { Type, type TProperties, type TSchema } from '#lib/typebox.ts';
import { closed, DURATION_FORM, DURATION_RULES } from './schema.ts';

/** CEL rules for the CRD; gateway-parameters-rules.ts has the same rules for objects from files. */
export function withRules<S extends TSchema>(schema: S, ...rules: readonly (readonly [rule: string, message: string])[]): S {
  return { ...schema, 'x-kubernetes-validations': rules.map(([rule, message]) => ({ rule, message })) };
}

/** A closed object with a description. */
export function group<P extends TProperties>(description: string, properties: P) {
  return { ...closed(properties), description };
}

/** Names and texts. */
export const texts = (description: string) => Type.Optional(Type.Record(Type.String(), Type.String(), { description }));
/** A duration like 10s. */
export const duration = (description: string) =>
  Type.Optional(Type.String({ ...DURATION_RULES, description, '~must': DURATION_FORM } as Parameters<typeof Type.String>[0]));

/** An entry of a Secret. */
export const secretKey = (description: string) =>
  group(description, {
    name: Type.String({ minLength: 1, maxLength: 253, description: 'The Secret, in the namespace of the Gateway.' }),
    key: Type.String({ minLength: 1, maxLength: 253, description: 'The entry of the Secret.' }),
  });

/** An entry of a ConfigMap. */
export const configMapKey = (description: string) =>
  group(description, {
    name: Type.String({ minLength: 1, maxLength: 253, description: 'The ConfigMap, in the namespace of the Gateway.' }),
    key: Type.String({ minLength: 1, maxLength: 253, description: 'The entry of the ConfigMap.' }),
  });
