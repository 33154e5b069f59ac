// The flags of dedicated proxies for the traces of requests without a policy.
import type { GatewayParametersSpec } from '#api/k8s/k8s.ts';

export function tracingFlags({ telemetry }: GatewayParametersSpec): readonly (readonly [string, string])[] {
  const { enabled = true, percent, parent, errors, slowerThan, propagation } = telemetry?.tracing ?? {};
  const values: readonly (readonly [string, string | undefined])[] = [
    ['tracing-sampling', enabled ? decimal(percent) : 'off'],
    ['tracing-parent', parent?.toLowerCase()],
    ['tracing-errors', errors === undefined ? undefined : errors ? 'on' : 'off'],
    ['tracing-slower-than', slowerThan],
    ['tracing-propagation', propagation && [...new Set(propagation)].join(',').toLowerCase()],
  ];
  return values.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
}

/** Flags have no exponents. */
function decimal(percent: number | undefined): string | undefined {
  return percent === undefined ? undefined : String(Number(percent.toFixed(6)));
}
