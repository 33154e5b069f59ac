// `weir errors`: the failures of all proxies in groups, or one group with samples.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { ErrorAnswer } from '../controller/operations/errors.ts';
import type { SeenErrorGroup } from '../controller/telemetry/errors/fleet-errors.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { connectionOf } from './operations/connection.ts';
import { rateText } from './operations/figures.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { sampleText } from './operations/sample-text.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = operationFlags({
  code: { default: '', value: 'CODE', text: 'failures with this code; status_5xx are answers of backends', see: 'errors.md' },
  route: { default: '', value: 'ROUTE', text: 'failures of this route: NAMESPACE/NAME, or as the list shows it' },
  backend: { default: '', value: 'BACKEND', text: 'failures at this backend: NAMESPACE/NAME, or as the list shows it' },
  top: { default: '50', value: 'N', text: 'the most groups, up to 1000; those with most failures lately come first' },
});

export const errors: Command = {
  name: 'errors',
  arguments: '[ID]',
  summary:
    'Lists the failures of all proxies, grouped by code, route, backend and cause, with their beginning, number and trend; or shows one group with the latest requests that failed, without their secrets.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [id = '', ...more] = values.positionals;
    if (more.length > 0) throw new UsageError('weir errors takes one ID at most');
    const fields = { id, code: values.text('code'), route: values.text('route'), backend: values.text('backend') };
    const query = new URLSearchParams(Object.entries(fields).filter(([, value]) => value !== ''));
    query.set('top', String(values.count('top', 1)));
    const answer = await callOperation<ErrorAnswer>(await connectionOf(values), { method: 'GET', path: `/errors?${query.toString()}` });
    printAnswer(values, answer, () => textOf(answer, id !== ''));
    for (const name of answer.missing) console.error(`weir: controller ${name} does not answer: failures of its proxies are missing`);
    return answer.missing.length > 0 ? 1 : 0;
  },
};

const COLUMNS = ['id', 'trend', 'per min', 'count', 'first', 'last', 'code', 'route', 'backend', 'cause'];

function textOf({ groups, more }: ErrorAnswer, withSamples: boolean): string {
  if (groups.length === 0) return 'no failures';
  const rest = more > 0 ? [`... and ${more} more: weir errors --top N`] : [];
  const samples = withSamples
    ? groups.flatMap(({ samples: all, proxies }) => ['', `proxies: ${proxies.join(', ')}`, ...all.map(sampleText)])
    : [];
  return [tableOf(COLUMNS, groups.map(rowOf)), ...rest, ...samples].join('\n');
}

function rowOf({ id, trend, perMinute, count, first, last, code, route, backend, cause }: SeenErrorGroup): readonly string[] {
  return [id, trend, rateText(perMinute), String(count), moment(first), moment(last), code, route, backend, cause];
}

function moment(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}
