// `weir endpoints add|remove|list`: endpoints of Backends that are registered by hand.
import { hostname, userInfo } from 'node:os';
import { flagsOf, FlagValues } from '#lib/flags.ts';
import { formatDuration } from '#lib/duration.ts';
import { joinAddress, splitAddress } from '#lib/host-port.ts';
import type { AddedEndpoints, RemovedEndpoints, ShownEndpoint, ShownEndpoints } from '../controller/operations/endpoints.ts';
import { actionOf } from './actions.ts';
import type { Command } from './command.ts';
import { UsageError } from './command.ts';
import { callOperation } from './operations/client.ts';
import { connectionOf } from './operations/connection.ts';
import { operationFlags, printAnswer } from './operations/output.ts';
import { tableOf } from './operations/table.ts';

const FLAGS = operationFlags({
  weight: { default: '', value: 'N', text: 'add: share of the endpoint among those of its priority, 1 to 1000; 1 by default' },
  priority: { default: '', value: 'N', text: 'add: 0 to 7; requests go to the lowest number first; 0 by default' },
  zone: { default: '', value: 'NAME', text: 'add: zone of the endpoint' },
  label: { default: '', value: 'NAME=VALUE', text: 'add: a label of the endpoint, for subsets', multiple: true },
  ttl: { default: '0', value: 'TIME', text: 'add: the endpoint ends after this time, unless it is added again; 0 is never' },
  origin: { default: '', value: 'TEXT', text: 'add: name of the caller, for list; USER@HOST by default' },
  all: { default: 'false', value: '', text: 'remove: every registered endpoint of the Backend' },
});

export const endpoints: Command = {
  name: 'endpoints',
  arguments: 'add|remove|list [BACKEND] [ADDRESS:PORT...]',
  summary:
    'Registers endpoints of a Backend with the source registered at a controller or weir up, removes them, or lists them. BACKEND is NAME or NAMESPACE/NAME.',
  flags: FLAGS,
  readsEnvironment: false,
  async run(args) {
    const values = new FlagValues(args, flagsOf(FLAGS), {}, true);
    const [run, rest] = actionOf('endpoints', ACTIONS, values.positionals);
    await run(values, rest);
    return 0;
  },
};

const ACTIONS: Readonly<Record<string, (values: FlagValues, args: readonly string[]) => Promise<void>>> = { add, remove, list };

async function add(values: FlagValues, [backend, ...addresses]: readonly string[]): Promise<void> {
  if (backend === undefined || addresses.length === 0) throw new UsageError('weir endpoints add takes a Backend and addresses');
  const attributes = attributesIn(values);
  const body = {
    backend: fullName(backend),
    endpoints: addresses.map((address) => ({ ...endpointOf(address), ...attributes })),
    origin: values.text('origin') || callerName(),
  };
  const answer = await callOperation<AddedEndpoints>(await connectionOf(values), { method: 'PUT', path: '/endpoints', body });
  for (const note of answer.notes) console.error(`weir: ${note}`);
  printAnswer(values, answer, () => [...lines('added', answer.added), ...lines('renewed', answer.renewed)].join('\n'));
}

async function remove(values: FlagValues, [backend, ...addresses]: readonly string[]): Promise<void> {
  const all = values.isOn('all');
  if (backend === undefined || all === addresses.length > 0) {
    throw new UsageError('weir endpoints remove takes a Backend, and addresses or --all');
  }
  const chosen = all ? { all: true } : { endpoints: addresses.map(endpointOf) };
  const body = { backend: fullName(backend), ...chosen };
  const answer = await callOperation<RemovedEndpoints>(await connectionOf(values), { method: 'DELETE', path: '/endpoints', body });
  printAnswer(values, answer, () => {
    const text = [...lines('removed', answer.removed), ...lines('not registered', answer.absent)].join('\n');
    return text === '' ? 'no endpoint is registered' : text;
  });
}

async function list(values: FlagValues, [backend, ...more]: readonly string[]): Promise<void> {
  if (more.length > 0) throw new UsageError('weir endpoints list takes one Backend, or none for all');
  const query = backend === undefined ? '' : `?backend=${encodeURIComponent(fullName(backend))}`;
  const answer = await callOperation<ShownEndpoints>(await connectionOf(values), { method: 'GET', path: `/endpoints${query}` });
  if (answer.trouble !== null) console.error(`weir: the list may be out of date: ${answer.trouble}`);
  printAnswer(values, answer, () => tableOf(COLUMNS, answer.endpoints.map(rowOf)));
}

const COLUMNS = ['backend', 'endpoint', 'weight', 'priority', 'zone', 'labels', 'ttl', 'expires', 'origin'];

function rowOf({ backend, address, port, weight, priority, zone, labels, ttl, expires, origin }: ShownEndpoint): readonly string[] {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  const end = expires === null ? '' : expires.replace(/\.\d+Z$/, 'Z');
  return [backend, joinAddress(address, port), String(weight), String(priority), zone, pairs.join(','), ttl ?? '', end, origin];
}

function lines(word: string, all: readonly { readonly address: string; readonly port: number }[]): readonly string[] {
  return all.map(({ address, port }) => `${word} ${joinAddress(address, port)}`);
}

/** The server checks the ranges of numbers, which its errors name. */
function attributesIn(values: FlagValues): object {
  const given = (name: string): boolean => values.text(name) !== '';
  const labels = values.list('label').map(labelOf);
  const ttl = values.time('ttl');
  return {
    ...(given('weight') ? { weight: values.count('weight') } : {}),
    ...(given('priority') ? { priority: values.count('priority') } : {}),
    ...(given('zone') ? { zone: values.text('zone') } : {}),
    ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }),
    ...(ttl === 0 ? {} : { ttl: formatDuration(ttl) }),
  };
}

function labelOf(text: string): readonly [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--label: ${JSON.stringify(text)} is not NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function fullName(backend: string): string {
  return backend.includes('/') ? backend : `default/${backend}`;
}

function endpointOf(text: string): { readonly address: string; readonly port: number } {
  const address = splitAddress(text);
  if (address === null) throw new UsageError(`${JSON.stringify(text)} is not ADDRESS:PORT, like 10.0.0.7:8080 or [fd00::7]:8080`);
  return address;
}

function callerName(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // The user of the process has no name.
    return `${process.getuid?.() ?? ''}@${hostname()}`;
  }
}
