// The settings of the access log of a rule, from `accessLog` of TelemetryPolicies.
import { compileExpression } from '#api/expression/expression.ts';
import type { PolicySettings } from '#api/policy/settings.ts';
import type { AccessLogPlan } from '../../exchange/route-telemetry.ts';
import { outcomeFacts } from '../../filter/facts.ts';

type Settings = NonNullable<PolicySettings<'TelemetryPolicy'>['accessLog']>;
type Condition = NonNullable<AccessLogPlan['keeps']>;

/** Null: no policy sets any of it. */
export function accessLogPlan(settings: Settings | undefined): AccessLogPlan | null {
  if (settings === undefined) return null;
  const { enabled = null, filter, sampling: { percent = 100, always } = {}, fields } = settings;
  return Object.freeze({
    enabled,
    // A line too many costs less than the one that explains a failure.
    keeps: filter === undefined ? null : condition(filter, true),
    share: percent / 100,
    always: always === undefined ? null : condition(always, false),
    fields: fields === undefined ? null : fields.join(','),
  });
}

/** `unknown`: its value if a request has none, for example because a header is missing. */
function condition(source: string, unknown: boolean): Condition {
  const expression = compileExpression(source, { result: 'bool', moment: 'outcome' });
  // The rules of the policy have been checked, and the schema on the wire.
  if (!expression.ok) return () => unknown;
  const { evaluate } = expression.value;
  return (exchange, ms) => {
    const value = evaluate(outcomeFacts(exchange, ms));
    return value.ok ? value.value === true : unknown;
  };
}
