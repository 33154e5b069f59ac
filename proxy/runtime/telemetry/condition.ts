// A condition of a TelemetryPolicy about requests that are over.
import { compileExpression } from '#api/expression/expression.ts';
import type { ExchangeCondition } from '../../exchange/route-telemetry.ts';
import { outcomeFacts } from '../../filter/facts.ts';

/** `unknown`: its value if a request has none, for example because a header is missing. */
export function condition(source: string, unknown: boolean): ExchangeCondition {
  const expression = compileExpression(source, { result: 'bool', moment: 'outcome' });
  // The rules of the policy have been checked, and the schema on the wire.
  if (!expression.ok) return () => unknown;
  const { evaluate } = expression.value;
  return (exchange, ms) => {
    const value = evaluate(outcomeFacts(exchange, ms));
    return value.ok ? value.value === true : unknown;
  };
}
