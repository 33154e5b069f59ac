// The bindings of gRPC methods to HTTP: `google.api.http` of a method (google/api/http.proto), and the paths of gRPC itself.
import { RawFields } from '#lib/protobuf/raw-fields.ts';
import type { Field, MessageType, Method } from '#lib/protobuf/types.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { readPathPattern, type PathPattern, type PathVariable } from './path-pattern.ts';

/** A variable of a path with the fields that lead to its value, outermost first. */
export interface BoundVariable {
  readonly variable: PathVariable;
  readonly fields: readonly Field[];
}

export interface Binding {
  readonly method: Method;
  /** `GET`; `*` for any. */
  readonly verb: string;
  /** As the descriptor has it, for messages. */
  readonly template: string;
  readonly pattern: PathPattern;
  readonly variables: readonly BoundVariable[];
  /** The part of the request that the body is: all of it, a field, or nothing (null). */
  readonly body: Field | '*' | null;
  /** The field of the answer that its body is; null: all of it. */
  readonly answer: Field | null;
}

/** The extension `google.api.http` of `MethodOptions`. */
const HTTP = 72_295_728;
const RULE = { body: 7, custom: 8, additional: 11, answer: 12 };
/** The fields of a rule with the path for a method of HTTP. */
const VERBS: readonly (readonly [number, string])[] = [
  [2, 'GET'],
  [3, 'PUT'],
  [4, 'POST'],
  [5, 'DELETE'],
  [6, 'PATCH'],
];
const CUSTOM = { kind: 1, path: 2 };
const TOKEN = /^[A-Za-z0-9!#$%&'+.^_`|~-]+$/;

/** Bindings, and what is wrong with others. */
export interface Bindings {
  readonly bindings: readonly Binding[];
  readonly faults: readonly string[];
}

/** The bindings in the options of a method. Throws ProtobufFault for options that are no message. */
export function bindingsOf(method: Method): Bindings {
  const options = new RawFields(method.options);
  if (!options.has(HTTP)) return { bindings: [], faults: [] };
  const rule = options.message(HTTP);
  const bindings: Binding[] = [];
  const faults: string[] = [];
  for (const each of [rule, ...rule.messages(RULE.additional)]) {
    const binding = bindingOf(method, each);
    if (binding.ok) bindings.push(binding.value);
    else faults.push(`${method.service}.${method.name}: ${binding.error}`);
  }
  return { bindings, faults };
}

/** The binding of a method to `POST /package.Service/Method`, with the request as body. */
export function pathBindingOf(method: Method): Binding {
  const parts = [{ literal: method.service }, { literal: method.name }];
  const pattern = { parts, variables: [], verb: '' };
  return { method, verb: 'POST', template: method.path, pattern, variables: [], body: '*', answer: null };
}

function bindingOf(method: Method, rule: RawFields): Result<Binding> {
  const target = targetOf(rule);
  if (target === null) return err('its google.api.http has no path');
  const { verb, template } = target;
  const where = `${verb} ${template}`;
  if (!TOKEN.test(verb) && verb !== '*') return err(`${JSON.stringify(verb)} is no method of HTTP`);
  const pattern = readPathPattern(template);
  if (!pattern.ok) return err(`the path of ${where} ${pattern.error}`);
  const variables: BoundVariable[] = [];
  for (const variable of pattern.value.variables) {
    const fields = fieldsOf(method.input, variable.field);
    if (!fields.ok) return err(`the path of ${where}: ${fields.error}`);
    variables.push({ variable, fields: fields.value });
  }
  const body = bodyOf(method.input, rule.text(RULE.body));
  if (!body.ok) return err(`the body of ${where}: ${body.error}`);
  const answer = memberOf(method.output, rule.text(RULE.answer));
  if (!answer.ok) return err(`response_body of ${where}: ${answer.error}`);
  return ok({ method, verb, template, pattern: pattern.value, variables, body: body.value, answer: answer.value });
}

function targetOf(rule: RawFields): { readonly verb: string; readonly template: string } | null {
  const found = VERBS.find(([field]) => rule.has(field));
  if (found !== undefined) return { verb: found[1], template: rule.text(found[0]) };
  if (!rule.has(RULE.custom)) return null;
  const custom = rule.message(RULE.custom);
  return { verb: custom.text(CUSTOM.kind), template: custom.text(CUSTOM.path) };
}

/** The fields of a path such as `shelf.name`, whose last one has a text. */
function fieldsOf(type: MessageType, path: string): Result<readonly Field[]> {
  const fields: Field[] = [];
  let inner: MessageType | null = type;
  for (const name of path.split('.')) {
    const field: Field | undefined = inner?.byName.get(name);
    if (field === undefined) return err(`${inner?.name ?? path} has no field ${name}`);
    if (field.isList || field.map !== null) return err(`the field ${name} is a list or a map`);
    fields.push(field);
    inner = field.message;
  }
  if (inner !== null && inner.wellKnown === null) return err(`the field ${path} is a message`);
  return ok(fields);
}

function bodyOf(type: MessageType, name: string): Result<Field | '*' | null> {
  return name === '*' ? ok('*') : memberOf(type, name);
}

/** A field by its name; null for ''. */
function memberOf(type: MessageType, name: string): Result<Field | null> {
  if (name === '') return ok(null);
  const field = type.byName.get(name);
  return field === undefined ? err(`${type.name} has no field ${name}`) : ok(field);
}
