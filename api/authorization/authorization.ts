// Decides whether a request may go on, by the `authorization` of a SecurityPolicy: the first rule that matches, or else the default. The
// proxy decides with it, and `weir explain` shows the same decision.
import { compileExpression, type Expression } from '../expression/expression.ts';
import type { Facts } from '../expression/facts.ts';
import { conditionsOf, type AuthorizationSettings, type Condition, type RuleSettings } from './conditions.ts';
import { Roles } from './roles.ts';
import type { AccessSubject } from './subject.ts';

/** A decision about a request. */
export interface AccessDecision {
  readonly allowed: boolean;
  /** The name of the rule; '' for the default. */
  readonly rule: string;
  /** The expression of the rule has no value, so the rule counts as matching. */
  readonly undecided: boolean;
}

/** One rule and its condition that failed; '' if it matches. */
export interface ExplainedRule {
  readonly rule: string;
  readonly action: 'Allow' | 'Deny';
  readonly failed: string;
}

/** The decision, and the rules that were asked for it in their order. */
export interface ExplainedAccess extends AccessDecision {
  /** False: the policy only tells what it would refuse. */
  readonly enforced: boolean;
  readonly rules: readonly ExplainedRule[];
}

interface Rule {
  readonly action: 'Allow' | 'Deny';
  readonly name: string;
  readonly conditions: readonly Condition[];
  readonly when: Expression | null;
  readonly decision: AccessDecision;
  readonly undecided: AccessDecision;
}

/** `T`: what is decided about. */
export class Authorization<T extends AccessSubject> {
  /** False: the policy only tells what it would refuse. */
  readonly enforced: boolean;
  readonly #rules: readonly Rule[];
  readonly #default: AccessDecision;
  readonly #factsOf: (subject: T) => Facts;

  constructor({ defaultAction, mode, roles = [], rules = [] }: AuthorizationSettings, factsOf: (subject: T) => Facts) {
    const known = new Roles(roles);
    this.enforced = mode !== 'DryRun';
    this.#rules = rules.map((rule) => compiled(rule, known));
    this.#default = Object.freeze({ allowed: defaultAction === 'Allow', rule: '', undecided: false });
    this.#factsOf = factsOf;
  }

  /** All decisions that it can come to: the same objects each time. */
  get decisions(): readonly AccessDecision[] {
    return [this.#default, ...this.#rules.flatMap(({ decision, undecided }) => [decision, undecided])];
  }

  decide(subject: T): AccessDecision {
    for (const rule of this.#rules) {
      if (failedCondition(rule, subject) !== null) continue;
      const decision = rule.when === null ? rule.decision : this.#ask(rule, rule.when, subject);
      if (decision !== null) return decision;
    }
    return this.#default;
  }

  /** The same decision with its reasons. */
  explain(subject: T): ExplainedAccess {
    const decision = this.decide(subject);
    const last = this.#rules.findIndex(({ name }) => name === decision.rule);
    const asked = last === -1 ? this.#rules : this.#rules.slice(0, last + 1);
    const rules = asked.map((rule) => ({
      rule: rule.name,
      action: rule.action,
      failed: rule.name === decision.rule ? '' : (failedCondition(rule, subject)?.field ?? 'when'),
    }));
    return { ...decision, enforced: this.enforced, rules };
  }

  /** Null: the rule does not match. What cannot be decided is refused by a rule that denies, and not allowed by one that allows. */
  #ask(rule: Rule, when: Expression, subject: T): AccessDecision | null {
    const met = when.evaluate(this.#factsOf(subject));
    if (met.ok) return met.value === true ? rule.decision : null;
    return rule.action === 'Deny' ? rule.undecided : null;
  }
}

function failedCondition({ conditions }: Rule, subject: AccessSubject): Condition | null {
  for (const condition of conditions) if (!condition.holds(subject)) return condition;
  return null;
}

function compiled(settings: RuleSettings, roles: Roles): Rule {
  const { name = '', action = 'Deny', when } = settings;
  const decision = { allowed: action === 'Allow', rule: name };
  return {
    action,
    name,
    conditions: conditionsOf(settings, roles),
    when: when === undefined ? null : expressionOf(when),
    decision: Object.freeze({ ...decision, undecided: false }),
    undecided: Object.freeze({ ...decision, undecided: true }),
  };
}

/** The rules of the policy have been checked: it compiles. */
function expressionOf(source: string): Expression {
  const expression = compileExpression(source, { result: 'bool' });
  if (!expression.ok) throw new Error(`${source} ${expression.error}`);
  return expression.value;
}
