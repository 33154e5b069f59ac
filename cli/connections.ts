// `weir connections list|inspect|close`: WebSockets, other tunnels and streams of events that are open at all proxies.
import { flagsOf, FlagValues } from '#lib/flags.ts';
import { formatDuration } from '#lib/duration.ts';
import type { ConnectionList, ConnectionsClosed, ShownConnection } from '../controller/operations/connections.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { commandCode, commandText } from './operations/command-text.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { tableOf } from './operations/table.ts';

const FILTERS = ['route', 'principal', 'source', 'kind'] as const;

const FLAGS = operationFlags({
  route: { default: '', value: 'ROUTE', text: 'those of this route: NAMESPACE/NAME, or as list shows it' },
  principal: { default: '', value: 'ID', text: 'those of this caller, or of the Consumer NAMESPACE/NAME' },
  source: { default: '', value: 'ADDRESS', text: 'those of clients with this address, or in this range like 10.0.0.0/8' },
  kind: { default: '', value: 'KIND', text: 'websocket, tunnel, events, hub-websocket or hub-events' },
  top: { default: '100', value: 'N', text: 'list: the most connections, up to 1000; the oldest come first' },
  all: { default: 'false', value: '', text: 'close: every connection' },
  code: { default: '1001', value: 'CODE', text: 'close: code of the close frame of WebSockets' },
  reason: { default: '', value: 'TEXT', text: 'close: reason in the close frame and in the security log, at most 123 bytes' },
});

type Action = (values: FlagValues, rest: readonly string[]) => Promise<number>;

const ACTIONS: Readonly<Record<string, Action>> = { list, inspect, close };

export const connections: Command = {
  name: 'connections',
  arguments: 'list|inspect|close [ID]',
  summary:
    'Lists the WebSockets, other tunnels and streams of events that are open at all proxies, at backends and at hubs; shows one; or closes one or those of a route, caller, source or kind, with a code and a reason. Ends with 1 if a proxy did not follow.',
  flags: FLAGS,
  readsEnvironment: false,
  run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('connections', ACTIONS, values.positionals);
    return run(values, rest);
  },
};

/** The filters that are set. */
function filterOf(values: FlagValues): Record<string, string> {
  return Object.fromEntries(FILTERS.map((name) => [name, values.text(name)] as const).filter(([, value]) => value !== ''));
}

async function ask(values: FlagValues, filter: Readonly<Record<string, string>>): Promise<ConnectionList> {
  const query = new URLSearchParams({ ...filter, top: String(values.count('top', 1)) });
  return callOperation<ConnectionList>(await connectionOf(values), { method: 'GET', path: `/connections?${query.toString()}` });
}

function tellMissing({ missing }: ConnectionList): number {
  if (missing.length > 0) console.error(`weir: some proxies do not tell their connections\n${commandText({ proxies: missing })}`);
  return missing.length > 0 ? 1 : 0;
}

async function list(values: FlagValues, rest: readonly string[]): Promise<number> {
  if (rest.length > 0) throw new UsageError('weir connections list takes no ID; weir connections inspect ID shows one connection');
  const answer = await ask(values, filterOf(values));
  printAnswer(values, answer, () => listText(answer));
  return tellMissing(answer);
}

async function inspect(values: FlagValues, [id, ...more]: readonly string[]): Promise<number> {
  if (id === undefined || more.length > 0) throw new UsageError('weir connections inspect takes one ID, as list shows it');
  const answer = await ask(values, { id });
  const [found] = answer.connections;
  if (found !== undefined) printAnswer(values, found, () => inspectText(found));
  else console.error(`weir: no connection ${JSON.stringify(id)} is open; weir connections list shows those that are`);
  return Math.max(tellMissing(answer), found === undefined ? 1 : 0);
}

async function close(values: FlagValues, [id, ...more]: readonly string[]): Promise<number> {
  const filter = { ...(id === undefined ? {} : { id }), ...filterOf(values) };
  const all = values.isOn('all');
  if (more.length > 0 || (Object.keys(filter).length === 0) !== all)
    throw new UsageError('weir connections close takes one ID, or flags that say which connections, or --all');
  const [code, reason] = [values.count('code', 1_000), values.text('reason')];
  const body = { ...filter, ...(all ? { all } : {}), code, ...(reason === '' ? {} : { reason }) };
  const answer = await callOperation<ConnectionsClosed>(await connectionOf(values), { method: 'DELETE', path: '/connections', body });
  const { connections: count } = answer;
  printAnswer(values, answer, () => `closed ${count} ${count === 1 ? 'connection' : 'connections'}`);
  const failed = answer.proxies.filter(({ outcome }) => outcome !== 'done');
  if (failed.length > 0) console.error(`weir: some proxies did not close theirs\n${commandText({ proxies: failed })}`);
  return commandCode(answer);
}

const COLUMNS = ['id', 'kind', 'route', 'source', 'principal', 'age', 'in', 'out', 'messages', 'topics', 'proxy'];

function listText({ connections: found, more }: ConnectionList): string {
  if (found.length === 0) return 'no such connection is open';
  const rest = more > 0 ? [`... and ${more} more: weir connections list --top N`] : [];
  return [tableOf(COLUMNS, found.map(rowOf)), ...rest].join('\n');
}

function rowOf(connection: ShownConnection): readonly string[] {
  const { id, kind, route, source, principal, bytesIn, bytesOut, messagesIn, messagesOut, proxy } = connection;
  const messages = `${messagesIn}/${messagesOut}`;
  return [
    id,
    kind,
    route,
    source,
    principal,
    ageOf(connection),
    String(bytesIn),
    String(bytesOut),
    messages,
    topicsOf(connection, 3),
    proxy,
  ];
}

function inspectText(connection: ShownConnection): string {
  const { topics, moreTopics: _, since, ...rest } = connection;
  const fields = { ...rest, since: new Date(since).toISOString(), age: ageOf(connection), topics: topicsOf(connection, topics.length) };
  return tableOf(
    ['field', 'value'],
    Object.entries(fields).map(([name, value]) => [name, String(value)]),
  );
}

function ageOf({ since }: ShownConnection): string {
  return formatDuration(Math.max(0, Math.floor((Date.now() - since) / 1_000)) * 1_000);
}

function topicsOf({ topics, moreTopics }: ShownConnection, shown: number): string {
  const hidden = topics.length - Math.min(shown, topics.length) + moreTopics;
  return `${topics.slice(0, shown).join(', ')}${hidden > 0 ? `, +${hidden}` : ''}`;
}
