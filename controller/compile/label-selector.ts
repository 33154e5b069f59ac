// metav1.LabelSelector: tests whether it selects a set of labels.
import type { LabelSelector } from '#api/k8s/k8s.ts';

type Labels = Readonly<Record<string, string>>;
type Expression = LabelSelector['matchExpressions'][number];

/** Whether all requirements hold; an empty selector selects everything. */
export function selects(selector: LabelSelector, labels: Labels): boolean {
  return (
    Object.entries(selector.matchLabels).every(([key, value]) => valueOf(labels, key) === value) &&
    selector.matchExpressions.every((expression) => holds(expression, valueOf(labels, expression.key)))
  );
}

function holds(expression: Expression, value: string | undefined): boolean {
  switch (expression.operator) {
    case 'In':
      return value !== undefined && expression.values.includes(value);
    case 'NotIn':
      return value === undefined || !expression.values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
  }
}

/** Labels come from users: a key like `constructor` must not find an inherited property. */
function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
