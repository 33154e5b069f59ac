// AlertRule: a condition over what Weir sees, or a query of Prometheus, that leads to notifications.
import { Type, type Static } from '#lib/typebox.ts';
import { SUBJECTS } from '../alert/subjects.ts';
import { closed, DnsName, DURATION_FORM, DURATION_RULES, objectOf, WEIR_GROUP } from './schema.ts';

/** How urgent an alert is, the most urgent first. */
export const SEVERITIES = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The names of labels, as Prometheus has them. */
export const LABEL_PATTERN = '^[a-zA-Z_][a-zA-Z0-9_]*$';

/** The labels that Weir sets itself. */
export const OWN_LABELS = ['alertname', 'severity', 'namespace'] as const;

/** The rules that the schema cannot express. */
export const LABEL_NAMES = 'names of labels have letters, digits and "_"';
export const ONE_CONDITION = 'must set exactly one of expression and prometheus';

function time(description: string, options: { default?: string } = {}) {
  return Type.String({ ...DURATION_RULES, description, '~must': DURATION_FORM, ...options });
}

const spec = closed(
  {
    each: Type.Enum([...SUBJECTS], {
      default: 'Installation',
      description: 'The subjects of the rule: the expression is evaluated once for each of them.',
    }),
    expression: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_024,
        description: 'The condition: an expression in CEL about a subject, such as `traffic.errorRatio("5m") > 0.05`.',
      }),
    ),
    value: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_024,
        description:
          'The number of an alert: an expression in CEL. By default the left side of the first comparison in `expression`; of a query its result.',
      }),
    ),
    prometheus: Type.Optional(
      closed(
        {
          query: Type.String({
            minLength: 1,
            maxLength: 4_096,
            description: 'The query (PromQL). Each series of its result is an alert with the labels of the series.',
          }),
        },
        {
          description:
            'A query of the Prometheus of `--prometheus-url`, instead of an expression. Only in the namespace of the controller.',
        },
      ),
    ),
    for: time('How long the condition must hold before the alert fires.', { default: '0s' }),
    keepFiringFor: time('How long the alert still fires after the condition holds no more.', { default: '0s' }),
    severity: Type.Enum([...SEVERITIES], { default: 'warning', description: 'How urgent the alert is.' }),
    labels: Type.Record(Type.String(), Type.String({ maxLength: 256 }), {
      default: {},
      maxProperties: 16,
      description: 'Labels of the alerts besides `alertname`, `severity`, `namespace` and those of the subject.',
      'x-kubernetes-validations': [{ rule: `self.all(name, name.matches('${LABEL_PATTERN}'))`, message: LABEL_NAMES }],
    }),
    summary: Type.String({
      minLength: 1,
      maxLength: 2_048,
      description: 'One sentence for the notification. Expressions stand in double braces: `{{ labels.route }}`, `{{ percent(value) }}`.',
    }),
    description: Type.String({ default: '', maxLength: 2_048, description: 'More text, in the same form.' }),
    runbook: Type.Optional(
      Type.String({
        maxLength: 2_048,
        pattern: '^https?://[^ ]+$',
        description: 'The URL of the page that says what to do.',
        '~must': 'an http or https URL',
      }),
    ),
    channels: Type.Array(closed({ name: Type.String({ ...DnsName, description: 'The name of the NotificationChannel.' }) }), {
      default: [],
      maxItems: 16,
      description: 'The NotificationChannels of the same namespace that get the alerts; without any, those with `default: true`.',
    }),
    disabled: Type.Boolean({ default: false, description: 'The rule is not evaluated, and its alerts end.' }),
  },
  { 'x-kubernetes-validations': [{ rule: 'has(self.expression) != has(self.prometheus)', message: ONE_CONDITION }] },
);

export const AlertRule = objectOf(`${WEIR_GROUP}/v1alpha1`, 'AlertRule', spec);
export type AlertRule = Static<typeof AlertRule>;
export type AlertRuleSpec = AlertRule['spec'];
