// `weir top`: the busiest routes, backends and endpoints of all proxies, live.
import { setTimeout } from 'node:timers/promises';
import { formatDuration } from '#lib/duration.ts';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { Top, TopRow } from '../controller/telemetry/window/top.ts';
import type { Command } from './command.ts';
import { callOperation } from './operations/client.ts';
import { connectionOf } from './operations/connection.ts';
import { millisecondsText, rateText } from './operations/figures.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = operationFlags({
  range: { default: '1m', value: 'TIME', text: 'rates and percentiles of the last 10s to 2h' },
  top: { default: '10', value: 'N', text: 'the most rows of each table' },
  sort: { default: 'requests', value: 'requests|failures|p99', text: 'the order of the rows', words: ['requests', 'failures', 'p99'] },
  interval: { default: '2s', value: 'TIME', text: 'a new table so often, at least 1s' },
  once: { default: 'false', value: '', text: 'print once and end, as also without a terminal and with -o json' },
});

const LEAST_INTERVAL_MS = 1_000;
/** Clears the screen, and moves to its beginning. */
const CLEAR = '\u001b[2J\u001b[H';

export const top: Command = {
  name: 'top',
  arguments: '',
  summary:
    'Shows the busiest routes, backends and endpoints of all proxies: requests, failures and percentiles of durations, live or once.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {});
    const query = `/top?range=${formatDuration(values.time('range'))}`;
    const look = async (): Promise<Top> => callOperation<Top>(await connectionOf(values), { method: 'GET', path: query });
    if (values.isOn('once') || !process.stdout.isTTY || values.text('output') === 'json') {
      const answer = await look();
      printAnswer(values, answer, () => topText(answer, values));
      return 0;
    }
    const interval = Math.max(LEAST_INTERVAL_MS, values.time('interval'));
    for (;;) {
      const text = topText(await look(), values);
      process.stdout.write(`${CLEAR}${text}\n`);
      await setTimeout(interval);
    }
  },
};

const COLUMNS = ['req/s', 'failed/s', 'failed', 'p50', 'p99'];

const ORDERS: Readonly<Record<string, (row: TopRow) => number>> = {
  requests: ({ requestsPerSecond }) => requestsPerSecond,
  failures: ({ failuresPerSecond }) => failuresPerSecond,
  p99: ({ p99Ms }) => p99Ms ?? -1,
};

function topText(answer: Top, values: FlagValues): string {
  const { rangeMs, knownMs, routes, backends, endpoints, missing } = answer;
  const count = values.count('top', 1);
  const order = ORDERS[values.text('sort')] ?? (() => 0);
  const table = <Row extends TopRow>(title: string, rows: readonly Row[], nameOf: (row: Row) => string): readonly string[] => {
    const shown = rows.toSorted((one, other) => order(other) - order(one)).slice(0, count);
    const cells = shown.map((row) => [nameOf(row), ...cellsOf(row)]);
    return ['', tableOf([`${title} (${rows.length})`, ...COLUMNS], cells)];
  };
  const known = knownMs < rangeMs ? `, of which ${formatDuration(Math.round(knownMs / 1_000) * 1_000)} are known` : '';
  return [
    `The last ${formatDuration(rangeMs)}${known}`,
    ...missing.map((name) => `controller ${name} does not answer: its proxies are not in the tables`),
    ...table('routes', routes, ({ route }) => route),
    ...table('backends', backends, ({ backend }) => backend),
    ...table('endpoints', endpoints, ({ backend, endpoint }) => `${endpoint} of ${backend}`),
  ].join('\n');
}

function cellsOf({ requestsPerSecond, failuresPerSecond, p50Ms, p99Ms }: TopRow): readonly string[] {
  const share = requestsPerSecond === 0 ? 0 : Math.min(100, (failuresPerSecond / requestsPerSecond) * 100);
  const failed = share === 0 ? '' : `${share.toFixed(share < 10 ? 1 : 0)} %`;
  return [rateText(requestsPerSecond), rateText(failuresPerSecond), failed, millisecondsText(p50Ms), millisecondsText(p99Ms)];
}
