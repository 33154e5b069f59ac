// Rules for messages beside the descriptors of their services: methods and fields that these do not have. Shared by proxy and controller.
import type { MessageType, Method, Schema } from '#lib/protobuf/types.ts';
import { didYouMean } from '#lib/nearest.ts';
import { fieldPath } from './field-path.ts';

/** A rule, as far as it names methods and fields. */
export interface MessageRule {
  /** `package.Service/Method`, or `package.Service` for all of it; absent: all methods. */
  readonly methods?: readonly string[];
  readonly log?: readonly string[];
  readonly mask?: readonly string[];
  readonly remove?: readonly string[];
  readonly set?: readonly { readonly field?: string }[];
}

/** The rules of a policy, for either direction. */
export interface MessageRules {
  readonly requests?: readonly MessageRule[];
  readonly answers?: readonly MessageRule[];
}

/** Something that the descriptors do not have. */
export interface RuleFault {
  /** Below the group: `requests[0].mask[1]`. */
  readonly field: string;
  readonly reason: string;
}

/** The methods that a rule is for. */
export function methodsOf({ methods }: Schema, { methods: named }: MessageRule): readonly Method[] {
  const all = [...methods.values()];
  return named === undefined ? all : all.filter((method) => named.some((name) => isNamed(method, name)));
}

/** Whether a rule is for a method. */
export function isFor({ methods: named }: MessageRule, method: Method): boolean {
  return named === undefined || named.some((name) => isNamed(method, name));
}

function isNamed({ service, name }: Method, text: string): boolean {
  return text === service || text === `${service}/${name}`;
}

/** The names of methods and fields that no method and no message of the rule has. */
export function ruleFaults(schema: Schema, { requests = [], answers = [] }: MessageRules): readonly RuleFault[] {
  return [
    ...requests.flatMap((rule, i) => faultsOf(schema, rule, `requests[${i}]`, ({ input }) => input)),
    ...answers.flatMap((rule, i) => faultsOf(schema, rule, `answers[${i}]`, ({ output }) => output)),
  ];
}

function faultsOf(schema: Schema, rule: MessageRule, at: string, typeOf: (method: Method) => MessageType): readonly RuleFault[] {
  const names = (rule.methods ?? []).flatMap((name, i) => {
    const reason = methodFault(schema, name);
    return reason === '' ? [] : [{ field: `${at}.methods[${i}]`, reason }];
  });
  const types = new Set(methodsOf(schema, rule).map(typeOf));
  if (types.size === 0) return names;
  return [...names, ...fieldsOf(rule, at).flatMap(([field, path]) => fieldFault(types, field, path))];
}

function methodFault({ methods, services }: Schema, name: string): string {
  if (services.has(name) || methods.has(`/${name}`)) return '';
  const known = [...services.keys(), ...[...methods.keys()].map((path) => path.slice(1))];
  return `is not in the descriptors${didYouMean(name, known)}`;
}

/** Every field that a rule names, with the place where it does. */
function fieldsOf({ log = [], mask = [], remove = [], set = [] }: MessageRule, at: string): readonly (readonly [string, string])[] {
  const listed = Object.entries({ log, mask, remove }).flatMap(([list, paths]) =>
    paths.map((path, i) => [`${at}.${list}[${i}]`, path] as const),
  );
  return [...listed, ...set.map(({ field = '' }, i) => [`${at}.set[${i}].field`, field] as const)];
}

function fieldFault(types: ReadonlySet<MessageType>, field: string, path: string): readonly RuleFault[] {
  const found = [...types].map((type) => fieldPath(type, path));
  const [first] = found;
  return first === undefined || first.ok || found.some(({ ok }) => ok) ? [] : [{ field, reason: `${path} ${first.error}` }];
}
