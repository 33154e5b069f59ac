// Thousands of subscribers of a hub on one worker, in topics, each with ten messages a second: measures the cost of a delivery, and fails if a
// message is lost or out of order. Clients share this process; the proxy has its own.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type * as ir from '#api/ir/ir.ts';
import { listener, route } from '../support/proxy.ts';
import { HubSoakClient, type HubTally } from './hub-client.ts';
import type { Finding, SoakOptions, SoakScenario } from './scenario.ts';
import type { FromProxy, ToProxy } from './websocket-proxy.ts';

/** Subscribers of a topic. */
const PER_TOPIC = 100;
/** Messages of a topic in a second. */
const RATE = 10;
/** Number of connections opened at once. */
const ROUND = 100;
const LATE_MS = 10_000;
const MIB = 1_048_576;

type State = Extract<FromProxy, { readonly resident: number }>;

function hubPolicy(): ir.Policy {
  const targets = [{ kind: 'HTTPRoute', namespace: 'default', name: 'route', section: '' }];
  const names = { policyKind: 'HTTPPolicy', namespace: 'default', name: 'live', createdAt: 0 };
  return { kind: 'Policy', key: 'HTTPPolicy/default/live', ...names, targets, settings: { hub: { publish: 'true' } } };
}

async function start(child: ChildProcess): Promise<number> {
  const key = 'Service/default/app/80';
  const resources = [listener(), { kind: 'Cluster', key, protocol: 'http1' }, route(), hubPolicy()] as const;
  child.send({ resources } satisfies ToProxy);
  const [started] = (await once(child, 'message')) as [FromProxy];
  return 'port' in started ? started.port : 0;
}

async function stateOf(child: ChildProcess): Promise<State> {
  child.send({ ask: 'memory' } satisfies ToProxy);
  return ((await once(child, 'message')) as [State])[0];
}

async function openSubscribers(port: number, count: number, tally: HubTally): Promise<HubSoakClient[]> {
  const clients: HubSoakClient[] = [];
  while (clients.length < count) {
    const round = Array.from({ length: Math.min(ROUND, count - clients.length) }, (_, i) => {
      const topic = Math.floor((clients.length + i) / PER_TOPIC);
      return HubSoakClient.open(port, `topic=t${topic}`, tally);
    });
    clients.push(...(await Promise.all(round)));
  }
  while (!clients.every(({ isSubscribed }) => isSubscribed)) await wait(10);
  return clients;
}

/** Publishes evenly. Resolves to the number of messages of each topic. */
async function publish(publisher: HubSoakClient, topics: number, ms: number): Promise<number> {
  const started = performance.now();
  let next = 0;
  for (let now = 0; now < ms; now = performance.now() - started) {
    const due = Math.floor((now / 1_000) * RATE * topics);
    for (; next < due; next++) say(publisher, next, topics);
    await wait(5);
  }
  // Every topic has as many.
  for (; next % topics !== 0; next++) say(publisher, next, topics);
  return next / topics;
}

function say(publisher: HubSoakClient, number: number, topics: number): void {
  const data = [Math.floor(number / topics), Math.round(performance.now() * 100) / 100];
  publisher.say(JSON.stringify({ type: 'publish', topic: `t${number % topics}`, data }));
}

async function measure(child: ChildProcess, { connections, seconds }: SoakOptions): Promise<readonly Finding[]> {
  const port = await start(child);
  const tally: HubTally = { delivered: 0, disordered: 0, dropped: 0, delays: [] };
  const clients = await openSubscribers(port, connections, tally);
  const publisher = await HubSoakClient.open(port, '', { delivered: 0, disordered: 0, dropped: 0, delays: [] });
  try {
    const before = await stateOf(child);
    const started = performance.now();
    const each = await publish(publisher, Math.ceil(connections / PER_TOPIC), seconds * 1_000);
    const expected = each * connections;
    for (let waited = 0; tally.delivered < expected && waited < LATE_MS; waited += 50) await wait(50);
    const elapsed = (performance.now() - started) / 1_000;
    const after = await stateOf(child);
    return findings({ tally, expected, elapsed, connections, micros: after.cpuMicros - before.cpuMicros, resident: after.resident });
  } finally {
    for (const { socket } of [...clients, publisher]) socket.destroy();
  }
}

interface Measured {
  readonly tally: HubTally;
  readonly expected: number;
  /** Seconds. */
  readonly elapsed: number;
  readonly connections: number;
  /** CPU of the proxy. */
  readonly micros: number;
  readonly resident: number;
}

function findings({ tally, expected, elapsed, connections, micros, resident }: Measured): readonly Finding[] {
  const delays = tally.delays.toSorted((one, other) => one - other);
  return [
    { name: 'subscribers', value: connections, unit: '', limit: null },
    { name: 'deliveries', value: tally.delivered, unit: '', limit: null },
    { name: 'deliveries a second', value: tally.delivered / elapsed, unit: '', limit: null },
    { name: 'CPU of a delivery', value: micros / tally.delivered, unit: 'us', limit: null },
    { name: 'median of delays', value: delays[Math.floor(delays.length / 2)] ?? 0, unit: 'ms', limit: null },
    { name: 'p99 of delays', value: delays[Math.floor(delays.length * 0.99)] ?? 0, unit: 'ms', limit: null },
    { name: 'lost messages', value: expected - tally.delivered, unit: '', limit: 0 },
    { name: 'messages out of order', value: tally.disordered, unit: '', limit: 0 },
    { name: 'dropped connections', value: tally.dropped, unit: '', limit: 0 },
    { name: 'resident memory', value: resident / MIB, unit: 'MiB', limit: null },
  ];
}

async function run(options: SoakOptions): Promise<readonly Finding[]> {
  const child = fork(path.join(import.meta.dirname, 'websocket-proxy.ts'));
  try {
    return await measure(child, options);
  } finally {
    child.disconnect();
  }
}

/** Subscribers of a hub on one worker. */
export const hub: SoakScenario = {
  name: 'hub',
  about: `subscribers of a hub on one worker, in topics of ${PER_TOPIC}, ${RATE} messages a second to each`,
  run,
};
