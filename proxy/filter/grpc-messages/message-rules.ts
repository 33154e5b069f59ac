// The rules for the messages of one method in one direction.
import { compileExpression, type Expression, type ExpressionMoment } from '#api/expression/expression.ts';
import type { Facts } from '#api/expression/facts.ts';
import { fieldPath, type FieldPath } from '#api/grpc-messages/field-path.ts';
import { isFor } from '#api/grpc-messages/rules-check.ts';
import { REFUSAL_STATUSES } from '#api/k8s/http/grpc-messages.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { Message } from '#lib/protobuf/message.ts';
import type { MessageType, Method, Schema } from '#lib/protobuf/types.ts';
import { REDACTED } from '#lib/redaction/redactor.ts';
import { ERRORS, withStatuses, type ExchangeError } from '../../exchange/errors.ts';
import { ValueBudget, ValueProblem } from '../transformation/exact-json.ts';
import { maskAt, placesOf, removeAt, setAt, textAt } from './places.ts';
import { readableMessage } from './readable-message.ts';

type Settings = NonNullable<PolicySettings<'HTTPPolicy'>['grpcMessages']>;
export type RuleSettings = NonNullable<Settings['requests']>[number];

/** Characters of a field in the log, and fields of one call. */
const MAX_LOGGED = 256;
const MAX_LOGGED_FIELDS = 64;

/** The outcome for a message: it passes as it is, or with changes, or the call ends. */
export type RuleVerdict = 'same' | 'changed' | ExchangeError;

interface Rule {
  readonly when: Expression | null;
  readonly refusal: ExchangeError | null;
  readonly log: readonly (readonly [name: string, path: FieldPath, isMasked: boolean])[];
  readonly set: readonly (readonly [path: FieldPath, value: Expression])[];
  readonly remove: readonly FieldPath[];
  readonly mask: readonly FieldPath[];
}

export class MessageRules {
  readonly type: MessageType;
  readonly #schema: Schema;
  readonly #rules: readonly Rule[];
  readonly #maxBytes: number;
  readonly #hasExpressions: boolean;
  /** Whether a rule may change messages. */
  readonly changes: boolean;

  constructor(rules: readonly RuleSettings[], type: MessageType, schema: Schema, moment: ExpressionMoment, maxBytes: number) {
    this.type = type;
    this.#schema = schema;
    this.#maxBytes = maxBytes;
    this.#rules = rules.map((rule) => ruleOf(rule, type, moment));
    this.#hasExpressions = this.#rules.some(({ when, set }) => when !== null || set.length > 0);
    this.changes = this.#rules.some(({ set, remove, mask }) => set.length + remove.length + mask.length > 0);
  }

  /** Applies the rules to a message. `facts`: of the exchange; `logged`: the fields for the log so far, by path. */
  apply(message: Message, facts: () => Facts, logged: Map<string, string>): RuleVerdict {
    let verdict: RuleVerdict = 'same';
    for (const rule of this.#rules) {
      const withBody = this.#hasExpressions ? { ...facts(), body: readableMessage(message) } : null;
      if (rule.when !== null && !applies(rule.when, withBody as Facts)) continue;
      this.#log(rule, message, logged);
      if (rule.refusal !== null) return rule.refusal;
      if (this.#change(rule, message, withBody as Facts)) verdict = 'changed';
    }
    return verdict;
  }

  #log({ log }: Rule, message: Message, logged: Map<string, string>): void {
    for (const [name, path, isMasked] of log) {
      if (logged.has(name) || logged.size >= MAX_LOGGED_FIELDS) continue;
      const places = placesOf(message, path);
      if (places.length === 0) continue;
      const text = isMasked ? REDACTED : places.map((place) => textAt(place, this.#schema)).join(',');
      logged.set(name, text.slice(0, MAX_LOGGED));
    }
  }

  /** Whether a place was there to change. */
  #change({ set, remove, mask }: Rule, message: Message, facts: Facts): boolean {
    let changed = set.length > 0;
    for (const [path, value] of set) this.#set(message, path, value, facts);
    for (const place of remove.flatMap((path) => placesOf(message, path))) {
      removeAt(place);
      changed = true;
    }
    for (const place of mask.flatMap((path) => placesOf(message, path))) {
      maskAt(place);
      changed = true;
    }
    return changed;
  }

  #set(message: Message, path: FieldPath, expression: Expression, facts: Facts): void {
    const json = this.#json(expression, facts);
    if (json === null) return placesOf(message, path).forEach(removeAt);
    for (const place of placesOf(message, path, true)) setAt(place, json, { schema: this.#schema, ignoreUnknown: false });
  }

  /** Null: the expression has no value that JSON can have. */
  #json(expression: Expression, facts: Facts): string | null {
    const value = expression.value(facts);
    if (!value.ok) return null;
    try {
      return JSON.stringify(new ValueBudget(this.#maxBytes).json(value.value));
    } catch (problem) {
      if (problem instanceof ValueProblem) return null;
      throw problem;
    }
  }
}

/** A condition without a value holds: a client must not get around a rule by a message that the condition cannot read. */
function applies(condition: Expression, facts: Facts): boolean {
  const value = condition.evaluate(facts);
  return !value.ok || value.value === true;
}

/** The rules of a method in one direction; null: there are none. */
export function rulesFor(
  all: readonly RuleSettings[] | undefined,
  method: Method,
  schema: Schema,
  moment: ExpressionMoment,
  maxBytes: number,
): MessageRules | null {
  const rules = (all ?? []).filter((rule) => isFor(rule, method));
  if (rules.length === 0) return null;
  return new MessageRules(rules, moment === 'request' ? method.input : method.output, schema, moment, maxBytes);
}

/** Fields that the type does not have are those of other methods. */
function ruleOf(
  { when, refuse, log = [], set = [], remove = [], mask = [] }: RuleSettings,
  type: MessageType,
  moment: ExpressionMoment,
): Rule {
  const masked = new Set(mask);
  return {
    when: when === undefined ? null : compiled(when, 'bool', moment),
    refusal: refuse === undefined ? null : refusalOf(refuse, moment),
    log: log.flatMap((name) => pathsOf(type, name).map((path) => [`${moment}.${name}`, path, masked.has(name)] as const)),
    set: set.flatMap(({ field = '', value = '' }) => pathsOf(type, field).map((path) => [path, compiled(value, 'json', moment)] as const)),
    remove: remove.flatMap((name) => pathsOf(type, name)),
    mask: mask.flatMap((name) => pathsOf(type, name)),
  };
}

function pathsOf(type: MessageType, text: string): readonly FieldPath[] {
  const path = fieldPath(type, text);
  return path.ok ? [path.value] : [];
}

function refusalOf(
  { status = 'PERMISSION_DENIED', message }: NonNullable<RuleSettings['refuse']>,
  moment: ExpressionMoment,
): ExchangeError {
  const code = REFUSAL_STATUSES.indexOf(status) + 1;
  const { title, ...error } = moment === 'request' ? ERRORS.grpcMessageRefused : ERRORS.grpcAnswerRefused;
  return withStatuses({ ...error, title: message ?? title }, error.status, code);
}

/** The rules of the policy have been checked: it compiles. */
function compiled(source: string, result: 'bool' | 'json', moment: ExpressionMoment): Expression {
  const expression = compileExpression(source, { result, moment, path: true, body: true });
  if (!expression.ok) throw new Error(`${source} ${expression.error}`);
  return expression.value;
}
