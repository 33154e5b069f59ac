// Rules of AlertRules that a schema cannot express: expressions, texts and queries.
import { compileAlertExpression } from '../alert/expression.ts';
import { compileAlertText } from '../alert/text.ts';
import { SUBJECT_TABLE } from '../alert/subjects.ts';
import { LABEL_NAMES, LABEL_PATTERN, ONE_CONDITION, OWN_LABELS, type AlertRule } from './alert-rule.ts';
import type { FieldError } from './field-error.ts';

/** The rules that an AlertRule violates. */
export function checkAlertRule({ spec }: AlertRule): FieldError[] {
  const { each, expression, value, prometheus, summary, description, labels } = spec;
  const subject = prometheus === undefined ? each : null;
  return [
    ...((expression === undefined) === (prometheus === undefined) ? [{ field: 'spec', reason: ONE_CONDITION }] : []),
    ...(expression === undefined ? [] : checked('spec.expression', compileAlertExpression(expression, each, 'bool'))),
    ...checkValue(spec),
    ...(prometheus !== undefined && each !== 'Installation'
      ? [{ field: 'spec.each', reason: 'has no effect on a query of Prometheus, whose series are the subjects; remove it' }]
      : []),
    ...checked('spec.summary', compileAlertText(summary, subject)),
    ...checked('spec.description', compileAlertText(description, subject)),
    ...Object.keys(labels).flatMap((name) => checkLabel(name, each)),
    ...(value !== undefined && prometheus === undefined ? checked('spec.value', compileAlertExpression(value, each, 'double')) : []),
  ];
}

function checkValue({ value, prometheus }: AlertRule['spec']): FieldError[] {
  if (value === undefined || prometheus === undefined) return [];
  return [{ field: 'spec.value', reason: 'has no effect on a query of Prometheus, whose result is the value; remove it' }];
}

function checked(field: string, result: { readonly ok: boolean; readonly error?: string }): FieldError[] {
  return result.ok ? [] : [{ field, reason: result.error ?? '' }];
}

function checkLabel(name: string, each: AlertRule['spec']['each']): FieldError[] {
  const field = `spec.labels.${name}`;
  if (!new RegExp(LABEL_PATTERN).test(name) || name.length > 63) return [{ field, reason: `is no name of a label: ${LABEL_NAMES}` }];
  const taken: readonly string[] = [...OWN_LABELS, ...SUBJECT_TABLE[each].labels];
  return taken.includes(name) ? [{ field, reason: 'is a label that Weir sets itself; choose another name' }] : [];
}
