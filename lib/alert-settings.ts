// The flags of alerts: the rules that Weir has by default, and the Prometheus that rules with PromQL ask.
import { Mistake, type Flags, type FlagValues } from './flags.ts';

/** The settings of alerts. */
export interface AlertSettings {
  /** Whether the default rules are evaluated, and the names of those that are not. */
  readonly defaults: boolean;
  readonly disabled: readonly string[];
  /** The URL of the Prometheus, without `/api/v1`; '' for none. */
  readonly prometheusUrl: string;
  /** Files with its bearer token and its CA certificates; '' for none. */
  readonly prometheusTokenFile: string;
  readonly prometheusCaFile: string;
}

/** The flags, in the order of the reference. */
export const ALERT_FLAGS: Flags = {
  'default-alerts': {
    default: 'On',
    value: 'On|Off',
    words: ['On', 'Off'],
    text: 'On: the alert rules that Weir has by default are evaluated',
    see: 'alerts.md#default-rules',
  },
  'disabled-alerts': { default: '', value: 'LIST', text: 'default alert rules that are not evaluated, separated by commas' },
  'prometheus-url': {
    default: '',
    value: 'URL',
    text: 'the Prometheus that alert rules with PromQL ask, such as http://prometheus.monitoring:9090',
  },
  'prometheus-token-file': { default: '', value: 'FILE', text: 'file with the bearer token for that Prometheus' },
  'prometheus-ca-file': { default: '', value: 'FILE', text: 'CA certificates for that Prometheus, PEM; by default those of Node.js' },
};

/** The PrometheusRules that the leader keeps. */
export interface PrometheusRuleSettings {
  /** Whether each AlertRule has one. */
  readonly isOn: boolean;
  /** Their labels. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The flags of PrometheusRules, of controllers only. */
export const PROMETHEUS_RULE_FLAGS: Flags = {
  'prometheus-rules': {
    default: 'Off',
    value: 'On|Off',
    words: ['On', 'Off'],
    text: 'On: the leader keeps a PrometheusRule for each AlertRule, for the Prometheus operator',
    see: 'alerts.md#prometheusrules',
  },
  'prometheus-rule-labels': {
    default: '',
    value: 'LIST',
    text: 'labels of these PrometheusRules, by which a Prometheus selects them, such as release=prometheus,team=edge',
  },
};

/** Reads and checks the settings of PrometheusRules. */
export function readPrometheusRuleSettings(values: FlagValues): PrometheusRuleSettings {
  const isOn = values.word('prometheus-rules', ['On', 'Off']) === 'On';
  const labels = values.parts('prometheus-rule-labels').map(labelOf);
  if (!isOn && labels.length > 0) throw new Mistake('--prometheus-rule-labels has no effect without --prometheus-rules On');
  return { isOn, labels: Object.fromEntries(labels) };
}

/** https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set */
const LABEL =
  /^((?:[a-z0-9][a-z0-9.-]{0,252}\/)?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)=([A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?|)$/;

function labelOf(text: string): readonly [string, string] {
  const [, name, value] = LABEL.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new Mistake(`--prometheus-rule-labels: ${JSON.stringify(text)} is no label; write NAME=VALUE, such as release=prometheus`);
  if (name === 'app.kubernetes.io/managed-by') throw new Mistake(`--prometheus-rule-labels: ${name} has the value weir`);
  return [name, value];
}

/** Reads and checks the settings. */
export function readAlertSettings(values: FlagValues): AlertSettings {
  const url = values.text('prometheus-url');
  const parsed = URL.parse(url);
  if (url !== '' && (parsed === null || !['http:', 'https:'].includes(parsed.protocol)))
    throw new Mistake('--prometheus-url: must be an http or https URL, such as http://prometheus.monitoring:9090');
  if (parsed !== null && (parsed.username !== '' || parsed.password !== ''))
    throw new Mistake('--prometheus-url: must have no password, which others can see; give --prometheus-token-file');
  return {
    defaults: values.word('default-alerts', ['On', 'Off']) === 'On',
    disabled: values.parts('disabled-alerts'),
    prometheusUrl: url,
    prometheusTokenFile: values.text('prometheus-token-file'),
    prometheusCaFile: values.text('prometheus-ca-file'),
  };
}
