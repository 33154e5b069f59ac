// `weir trace`: what the fleet still knows of one request or trace.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { TraceAnswer } from '../controller/operations/recent.ts';
import type { TracedSample } from '../controller/telemetry/errors/error-book.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { lineText, tellRecent } from './operations/recent.ts';
import { sampleText } from './operations/sample-text.ts';

const FLAGS = operationFlags();

export const trace: Command = {
  name: 'trace',
  arguments: 'REQUEST-ID|TRACE-ID',
  summary:
    'Shows what the fleet still knows of a request, by its id or that of its trace: lines that proxies keep, and samples of failures. Ends with 1 if there is nothing, or a proxy or controller did not answer.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [id = '', ...more] = values.positionals;
    if (id === '' || more.length > 0) throw new UsageError('weir trace takes one id, of a request or a trace');
    const query = new URLSearchParams({ id });
    const answer = await callOperation<TraceAnswer>(await connectionOf(values), { method: 'GET', path: `/trace?${query.toString()}` });
    printAnswer(values, answer, () => textOf(answer));
    return Math.max(tellRecent(answer), tellControllers(answer), isEmpty(answer) ? 1 : 0);
  },
};

function isEmpty({ lines, failures }: TraceAnswer): boolean {
  return lines.length === 0 && failures.length === 0;
}

function textOf(answer: TraceAnswer): string {
  if (isEmpty(answer)) return 'nothing is known of it; proxies keep lines of requests that failed, or of all with --recent-requests all';
  return [...answer.lines.map(lineText), ...answer.failures.map(failureText)].join('\n');
}

function failureText(sample: TracedSample): string {
  const { group, code, route, backend } = sample;
  const origin = Object.entries({ route, backend }).flatMap(([name, value]) => (value === '' ? [] : [` ${name} ${value}`]));
  return `${sampleText(sample)}\n  ${code}${origin.join('')}: weir errors ${group}`;
}

function tellControllers({ missingControllers }: TraceAnswer): number {
  for (const name of missingControllers) console.error(`weir: controller ${name} does not answer: failures of its proxies are missing`);
  return missingControllers.length > 0 ? 1 : 0;
}
