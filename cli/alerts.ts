// `weir alerts list|show|silence|unsilence|test|export`: alerts, silences and channels.
import os from 'node:os';
import { stringify } from 'yaml';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import { formatDuration } from '#lib/duration.ts';
import type { AlertList, ShownAlert, ShownSilence } from '../controller/alert/desk.ts';
import type { ExportedRules } from '../controller/alert/prometheus-rule.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = operationFlags({
  all: { default: 'false', value: '', text: 'list: also alerts that are pending or were resolved in the last day, and all rules' },
  for: { default: '1h', value: 'TIME', text: 'silence: how long, up to 2160h' },
  reason: { default: '', value: 'TEXT', text: 'silence: why' },
  author: { default: '', value: 'NAME', text: 'silence: its author; by default the user of this machine' },
  name: { default: 'weir-alerts', value: 'NAME', text: 'export: the name of the PrometheusRule' },
  'rule-namespace': { default: 'default', value: 'NAME', text: 'export: its namespace' },
});

export const alerts: Command = {
  name: 'alerts',
  arguments: 'list|show|silence|unsilence|test|export [ARGUMENTS]',
  summary:
    'Lists alerts, silences and channels; shows one alert by its fingerprint or rule; silences alerts that meet all matchers (severity=warning, route=~"HTTPRoute/shop/.*"); ends a silence by its id; sends a test message to a NotificationChannel (NAMESPACE/NAME); prints the alert rules as a PrometheusRule. list ends with 1 if a critical alert fires that is not silenced, test if the message is not delivered.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('alerts', ACTIONS, values.positionals);
    return run(values, rest);
  },
};

type Action = (values: FlagValues, rest: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { list, show, silence, unsilence, test, export: exportRules };

async function answerOf(values: FlagValues): Promise<AlertList> {
  const answer = await callOperation<AlertList>(await connectionOf(values), { method: 'GET', path: '/alerts' });
  for (const note of answer.notes) console.error(`weir: ${note}`);
  return answer;
}

async function list(values: FlagValues, rest: readonly string[]): Promise<number> {
  if (rest.length > 0) throw new UsageError('weir alerts list takes no arguments');
  const answer = await answerOf(values);
  printAnswer(values, answer, () => listText(answer, values.isOn('all')));
  const isCritical = ({ state, severity, silencedBy }: ShownAlert) =>
    state === 'firing' && severity === 'critical' && silencedBy.length === 0;
  return answer.alerts.some(isCritical) ? 1 : 0;
}

function listText({ alerts: all, silences, rules, channels }: AlertList, isWhole: boolean): string {
  const shown = isWhole ? all : all.filter(({ state }) => state === 'firing');
  const troubled = rules.filter(({ trouble }) => trouble !== '');
  const now = Date.now();
  const current = silences.filter(({ ends }) => isWhole || Date.parse(ends) > now);
  const parts = [
    shown.length === 0 ? 'no alert fires' : tableOf(['state', 'severity', 'alert', 'since', 'summary'], shown.map(alertRow)),
    ...(current.length === 0 ? [] : [tableOf(['silence', 'matchers', 'ends', 'author', 'reason'], current.map(silenceRow))]),
    ...(channels.length === 0
      ? []
      : [
          tableOf(
            ['channel', 'type', 'default', 'trouble'],
            channels.map(({ channel, type, default: isDefault, trouble }) => [channel, type, isDefault ? 'yes' : 'no', trouble]),
          ),
        ]),
    ...(isWhole
      ? [
          tableOf(
            ['rule', 'severity', 'firing', 'trouble'],
            rules.map(({ rule, severity, firing, trouble, disabled }) => [rule, severity, disabled ? 'disabled' : String(firing), trouble]),
          ),
        ]
      : troubled.map(({ rule, trouble }) => `rule ${rule} cannot be evaluated: ${trouble}`)),
  ];
  return parts.join('\n\n');
}

function alertRow({ state, severity, alert, activeSince, firedAt, resolvedAt, summary, silencedBy }: ShownAlert): readonly string[] {
  const since = resolvedAt ?? firedAt ?? activeSince;
  return [silencedBy.length > 0 ? 'silenced' : state, severity, alert, shortTime(since), summary];
}

function silenceRow({ id, matchers, ends, author, reason }: ShownSilence): readonly string[] {
  return [id, matchers.join(' '), shortTime(ends), author, reason];
}

function shortTime(time: string): string {
  return time.replace(/\.\d+Z$/, 'Z');
}

async function show(values: FlagValues, rest: readonly string[]): Promise<number> {
  const wanted = only('show', 'a fingerprint or a rule', rest);
  const answer = await answerOf(values);
  const found = answer.alerts.filter(({ fingerprint, rule, alert }) => [fingerprint, rule, alert].includes(wanted));
  const rules = answer.rules.filter(({ rule }) => rule === wanted || rule.endsWith(`/${wanted}`));
  if (found.length === 0 && rules.length === 0)
    throw new UsageError(`there is no alert and no rule ${wanted}; weir alerts list --all shows them`);
  printAnswer(values, { alerts: found, rules }, () => (found.length === 0 ? `no alert of ${wanted}` : found.map(alertText).join('\n\n')));
  return 0;
}

function alertText(alert: ShownAlert): string {
  const { fingerprint, labels, description, firedAt, resolvedAt, silencedBy, channels } = alert;
  const rows: readonly (readonly [string, string])[] = [
    ['alert', `${alert.alert} (${fingerprint})`],
    ['rule', alert.rule],
    ['state', silencedBy.length > 0 ? `${alert.state}, silenced by ${silencedBy.join(', ')}` : alert.state],
    ['severity', alert.severity],
    ['value', String(alert.value)],
    ['summary', alert.summary],
    ['description', description],
    [
      'labels',
      Object.entries(labels)
        .map(([name, value]) => `${name}=${value}`)
        .join(', '),
    ],
    ['active since', shortTime(alert.activeSince)],
    ['fired at', firedAt === null ? '' : shortTime(firedAt)],
    ['resolved at', resolvedAt === null ? '' : shortTime(resolvedAt)],
    ['channels', channels.length === 0 ? 'none' : channels.join(', ')],
  ];
  return rows.flatMap(([name, text]) => (text === '' ? [] : [`${name.padEnd(14)}${text}`])).join('\n');
}

async function silence(values: FlagValues, matchers: readonly string[]): Promise<number> {
  if (matchers.length === 0) throw new UsageError('weir alerts silence takes matchers, such as alertname=WeirBreakerOpen');
  const author = values.text('author') || os.userInfo().username;
  const body = { matchers, for: formatDuration(values.time('for')), author, reason: values.text('reason') };
  const answer = await callOperation<ShownSilence>(await connectionOf(values), { method: 'POST', path: '/alerts/silences', body });
  printAnswer(values, answer, () => `silence ${answer.id} until ${shortTime(answer.ends)}: ${answer.matchers.join(' ')}`);
  return 0;
}

async function unsilence(values: FlagValues, rest: readonly string[]): Promise<number> {
  const id = only('unsilence', 'the id of a silence', rest);
  const answer = await callOperation<{ readonly id: string }>(await connectionOf(values), {
    ...{ method: 'DELETE', path: '/alerts/silences', body: { id } },
  });
  printAnswer(values, answer, () => `silence ${id} has ended`);
  return 0;
}

async function test(values: FlagValues, rest: readonly string[]): Promise<number> {
  const channel = only('test', 'a channel, NAMESPACE/NAME', rest);
  const answer = await callOperation<{ readonly delivered: boolean; readonly reason: string }>(await connectionOf(values), {
    ...{ method: 'POST', path: '/alerts/test', body: { channel } },
  });
  printAnswer(values, answer, () =>
    answer.delivered
      ? `the test message was delivered to ${channel}`
      : `the test message was not delivered to ${channel}: ${answer.reason}`,
  );
  return answer.delivered ? 0 : 1;
}

async function exportRules(values: FlagValues, rest: readonly string[]): Promise<number> {
  if (rest.length > 0) throw new UsageError('weir alerts export takes no arguments');
  const query = new URLSearchParams({ namespace: values.text('rule-namespace'), name: values.text('name') });
  const path = `/alerts/prometheus-rule?${query.toString()}`;
  const { object, left } = await callOperation<ExportedRules>(await connectionOf(values), { method: 'GET', path });
  printAnswer(values, object, () => stringify(object, { lineWidth: 0 }).trimEnd());
  for (const { rule, reason } of left) console.error(`weir: ${rule} is not exported: its expression ${reason}`);
  return left.length > 0 ? 1 : 0;
}

function only(action: string, what: string, [argument, ...rest]: readonly string[]): string {
  if (argument === undefined || rest.length > 0) throw new UsageError(`weir alerts ${action} takes ${what}`);
  return argument;
}
