// Metrics of TelemetryPolicies that an older policy defines otherwise: one name cannot have two types, sets of labels or buckets. The
// older definition is in force; the other one counts nothing, since its series would be wrong.
import { objectId, refOf } from '#api/k8s/object.ts';
import type { Policy } from '#api/k8s/policies.ts';
import { checkPolicy } from '#api/k8s/policy-rules.ts';
import { metricFamilyOf } from '../snapshot/indexes.ts';
import { byAge } from './age.ts';
import type { View } from './view.ts';

type Metric = NonNullable<Extract<Policy, { readonly kind: 'TelemetryPolicy' }>['spec']['metrics']>[number];

/** A metric without effect. */
export interface MetricClash {
  /** Its place in `spec.metrics`. */
  readonly index: number;
  /** With the path of the field. */
  readonly message: string;
}

/** The metrics of a policy that have no effect because of an older policy. Invalid policies define none. */
export function metricClashes(view: View, policy: Policy): readonly MetricClash[] {
  if (policy.kind !== 'TelemetryPolicy') return [];
  return (policy.spec.metrics ?? []).flatMap((metric, index) => {
    const family = metricFamilyOf(metric.name);
    const same = view.list('telemetryPoliciesByMetric', family);
    if (same.length < 2) return [];
    const owner = byAge(same).find((each) => each === policy || checkPolicy(each).length === 0);
    if (owner === undefined || owner === policy) return [];
    const defined = (owner.spec.metrics ?? []).find(({ name }) => metricFamilyOf(name) === family);
    const difference = defined === undefined ? null : differenceOf(metric, defined);
    if (difference === null) return [];
    const message = `spec.metrics[${index}].${difference.field}: ${metric.name} ${difference.text} in the older ${objectId(refOf(owner))}; give it the same, or another name`;
    return [{ index, message }];
  });
}

function differenceOf(metric: Metric, defined: Metric): { readonly field: string; readonly text: string } | null {
  if (metric.type !== defined.type) return { field: 'type', text: `is the ${defined.type} ${defined.name}` };
  const labels = labelsOf(defined);
  if (labelsOf(metric) !== labels) return { field: 'labels', text: labels === '' ? 'has no labels' : `has the labels ${labels}` };
  const buckets = bucketsOf(defined);
  return bucketsOf(metric) === buckets ? null : { field: 'buckets', text: `has ${buckets}` };
}

/** The order of labels does not matter. */
function labelsOf({ labels = [] }: Metric): string {
  return labels
    .map(({ name }) => name)
    .toSorted()
    .join(', ');
}

function bucketsOf({ buckets }: Metric): string {
  return buckets === undefined ? 'the usual buckets' : `the buckets ${buckets.join(', ')}`;
}
