// `weir tail`: prints lines of the access log of all proxies as requests end, by route, status, client and caller.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags } from './operations/output.ts';
import { printRecent } from './operations/recent.ts';
import { printTail } from './operations/tail.ts';

/** The conditions that flags add to every rule of the filter. */
const CONDITIONS = ['route', 'status', 'client', 'principal'] as const;

const FLAGS = operationFlags({}, [
  {
    title: 'Lines',
    flags: {
      since: {
        default: '',
        value: 'TIME',
        text: 'only lines that proxies keep about requests of this time, at most 1h; with -f also those that follow',
        see: 'access-log.md#recent-requests',
      },
      follow: { default: '', value: '', short: 'f', text: 'go on for 10m instead of 1m' },
      route: { default: '', value: 'NAMESPACE/NAME,...', text: 'only lines of these routes, or NAMESPACE/* for all of a namespace' },
      status: { default: '', value: 'STATUS,...', text: 'only answers with these statuses: 404, 5xx, 500-504' },
      client: { default: '', value: 'ADDRESS,...', text: 'only lines of clients with these addresses' },
      principal: { default: '', value: 'NAME,...', text: 'only lines of these callers, or of Consumers by NAMESPACE/NAME' },
      filter: {
        default: '',
        value: 'RULES',
        text: 'only lines that meet a rule, as --access-log-filter, instead of these flags',
        see: 'access-log.md#filter',
      },
      rate: { default: '100', value: 'COUNT', text: 'the most lines per second of a proxy, up to 1000; further lines are counted' },
      duration: { default: '', value: 'TIME', text: 'how long, at most 10m; 1m by default' },
      worker: { default: '', value: 'NUMBER', text: 'a worker, from 0; by default all' },
    },
  },
]);

/** The filter of the flags, as `--access-log-filter` has it. */
export function filterOf(values: Pick<FlagValues, 'text'>): string {
  const given = CONDITIONS.map((name) => [name, values.text(name)] as const).filter(([, value]) => value !== '');
  const filter = values.text('filter');
  if (filter !== '' && given.length > 0) throw new UsageError(`--filter and --${given[0]?.[0] ?? ''} exclude each other`);
  return filter !== '' ? filter : given.map(([name, value]) => `${name}=${value}`).join(' and ');
}

export const tail: Command = {
  name: 'tail',
  arguments: '[PROXY...]',
  summary:
    'Prints lines of the access log of all proxies, or of the named ones, as requests end, or those that proxies keep, by route, status, client and caller. Ends with 1 if a proxy did not take part.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [filter, since, connection] = [filterOf(values), values.text('since'), await connectionOf(values)];
    const code = since === '' ? 0 : await printRecent(connection, values, { proxies: values.positionals, filter, since });
    if (since !== '' && !values.isOn('follow')) return code;
    const duration = values.text('duration') === '' && values.isOn('follow') ? '10m' : undefined;
    return Math.max(code, await printTail(connection, values, values.positionals, { filter, duration }));
  },
};
