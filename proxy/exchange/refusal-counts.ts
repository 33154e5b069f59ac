// Counts the requests that rules of policies refuse, or would refuse.
import type { MetricFamily } from '#lib/metric.ts';

/** Rules with counts of their own in one worker; further ones of a setting share `other`. */
const MAX_RULES = 2_000;
const OTHER = 'other';

/** The refusals of one rule. */
export interface Refusals {
  refused: number;
  /** Those that only would be refused: the policy tells and enforces nothing. */
  dryRun: number;
}

/** The rule: the setting of the policy, `<Kind>/<namespace>/<name>` of the policy, and the name of the rule; '' if it has none. */
export interface RefusingRule {
  readonly setting: string;
  readonly policy: string;
  readonly rule: string;
}

export class RefusalCounts {
  readonly #counts = new Map<string, { readonly labels: RefusingRule; readonly refusals: Refusals }>();
  readonly #maxRules: number;

  constructor(maxRules: number = MAX_RULES) {
    this.#maxRules = maxRules;
  }

  /** The counts of a rule: the same object each time, so that they outlive changes of the policy. */
  of(rule: RefusingRule): Refusals {
    const key = `${rule.setting} ${rule.policy} ${rule.rule}`;
    const known = this.#counts.get(key);
    if (known !== undefined) return known.refusals;
    if (this.#counts.size >= this.#maxRules && rule.policy !== OTHER) return this.of({ ...rule, policy: OTHER, rule: OTHER });
    const made = { labels: { ...rule }, refusals: { refused: 0, dryRun: 0 } };
    this.#counts.set(key, made);
    return made.refusals;
  }

  families(): readonly MetricFamily[] {
    return [
      {
        name: 'weir_policy_refusals_total',
        type: 'counter',
        help: 'Requests that rules of policies refuse or would refuse',
        read: () =>
          [...this.#counts.values()].flatMap(({ labels: { setting, policy, rule }, refusals }) => [
            { labels: { setting, policy, rule, outcome: 'refused' }, value: refusals.refused },
            { labels: { setting, policy, rule, outcome: 'dry_run' }, value: refusals.dryRun },
          ]),
      },
    ];
  }
}
