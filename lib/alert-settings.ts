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
    disabled: values.list('disabled-alerts'),
    prometheusUrl: url,
    prometheusTokenFile: values.text('prometheus-token-file'),
    prometheusCaFile: values.text('prometheus-ca-file'),
  };
}
