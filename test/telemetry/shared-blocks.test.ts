// Blocks of threat detection that the proxies of a fleet share: two replicas of the controller over real streams, with two real proxies at
// the first one, and one at the second.
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { credentials } from '@grpc/grpc-js';
import type * as ir from '#api/ir/ir.ts';
import type { ThreatBlock } from '#api/wire/telemetry-messages.ts';
import { blocks as blockOperations } from '../../controller/operations/blocks.ts';
import type { ShownBlocks } from '../../controller/operations/blocks.ts';
import { PeerLinks } from '../../controller/relay/peer-links.ts';
import { Fleet } from '../../controller/telemetry/fleet.ts';
import { commandsOf } from '../../proxy/commands.ts';
import { DEFAULT_LIMITS } from '../../proxy/exchange/limits.ts';
import { BlockBook } from '../../proxy/reporting/block-book.ts';
import { Supervisor } from '../../proxy/supervisor/supervisor.ts';
import { Backend } from '../support/backend.ts';
import { freePorts } from '../support/free-port.ts';
import { cluster, listener, pathMatch, route } from '../support/proxy.ts';
import { GivenReports, LOG, NO_BLOCKS, reportTo, serveHub } from '../support/telemetry.ts';
import type { HubServer } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

const INSECURE = () => credentials.createInsecure();

interface Replica extends HubServer {
  readonly fleet: Fleet;
  readonly links: PeerLinks;
}

let backend: Backend;
let replicas: readonly [Replica, Replica];
/** The ports of the three proxies. */
let ports: readonly [number, number, number];
const closers: (() => unknown)[] = [];
const closersOfTest: (() => unknown)[] = [];

async function replica(): Promise<Replica> {
  const held: { links?: PeerLinks } = {};
  const served = await serveHub(
    { reports: (_stream, end) => end(null, {}), links: (stream) => held.links?.accept(stream) },
    { blocked: (news) => held.links?.share(news) },
  );
  const links = (held.links = new PeerLinks(served.hub, LOG));
  closers.push(() => {
    links.follow(null, INSECURE);
    return served.server.stop();
  });
  return { ...served, links, fleet: new Fleet({ hub: served.hub, peers: links, resources: () => [], version: '1' }) };
}

/** Requests below `/<name>` get 403, and the second one blocks their source. */
function site(name: string, threats: object): readonly ir.Resource[] {
  const policy = {
    ...{ kind: 'Policy', key: `SecurityPolicy/default/${name}`, policyKind: 'SecurityPolicy', namespace: 'default', name, createdAt: 0 },
    targets: [{ kind: 'HTTPRoute', namespace: 'default', name, section: '' }],
    settings: { ipAccess: { deny: ['127.0.0.0/8'] }, threats: { accessDenials: 2, block: 600_000, ...threats } },
  };
  const denied = route({ name, key: `HTTPRoute/default/${name}/0`, matches: [pathMatch('PathPrefix', `/${name}`)] });
  return [denied, policy as unknown as ir.Resource];
}

async function proxy(name: string, controller: number, closing: (() => unknown)[]): Promise<number> {
  const [port] = (await freePorts(1)) as [number];
  const supervisor = new Supervisor({
    ...{ workers: 1, log: LOG, limits: DEFAULT_LIMITS, accessLog: 'off', via: '', drainTimeout: 1, processMetrics: false },
  });
  closing.push(() => supervisor.stop(1));
  const sites = [
    ...site('shared', {}),
    ...site('short', { block: 400 }),
    ...site('local', { scope: 'Proxy' }),
    ...site('capped', { maxBlock: 1 }),
  ];
  await supervisor.apply([...cluster('app', [backend.port]), listener({ port }), ...sites], []);
  const blocks = new BlockBook(supervisor.broadcast);
  const commands = commandsOf({ supervisor, retire: () => undefined }, blocks, LOG);
  const reporting = reportTo(controller, new GivenReports(), { nodeId: name, commands, blocks });
  closing.push(() => reporting.stop());
  return port;
}

/** The code of the refusal of a request from this address. */
async function refusal(port: number, source: string, path: string): Promise<string> {
  const request = http.get({ host: '127.0.0.1', port, localAddress: source, path: `/${path}`, agent: false });
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  return /"code":"(\w+)"/.exec(await text(answer))?.[1] ?? String(answer.statusCode);
}

/** Sends requests to a proxy until they are refused by a block. */
async function provoke(port: number, source: string, path: string): Promise<void> {
  expect([await refusal(port, source, path), await refusal(port, source, path)]).toEqual(['access_denied', 'access_denied']);
  expect(await refusal(port, source, path)).toBe('request_blocked');
}

async function listed(): Promise<ShownBlocks> {
  const [list] = blockOperations(replicas[0].fleet);
  const answer = await list?.answer({ body: '', accept: '', contentType: '', query: '', caller: '', signal: new AbortController().signal });
  if (answer?.ok !== true || !('body' in answer.value)) throw new Error('no list');
  return JSON.parse(String(answer.value.body)) as ShownBlocks;
}

/** Resolves once each of the other proxies lists a block of the source, which costs its suspicion nothing. */
async function shared(source: string): Promise<ShownBlocks['blocks'][number]> {
  for (;;) {
    const block = (await listed()).blocks.find((each) => each.source === source);
    if (block?.proxies.length === 3) return block;
  }
}

function told(source: string, policy: string, fields: Partial<ThreatBlock> = {}): ThreatBlock {
  const [begun, end] = [Date.now(), Date.now() + 3_600_000];
  const base = { source, policy: `SecurityPolicy/default/${policy}`, cause: 'limited', score: 100, times: 1, origin: '' };
  return { ...base, begun, until: end, forgottenAt: end, ...fields };
}

/** A proxy that tells these blocks. */
function tells(blocks: readonly ThreatBlock[]): void {
  const sharing = { ...NO_BLOCKS, follow: () => ({ blocks, stop: () => undefined }) };
  const reporting = reportTo(replicas[0].port, new GivenReports(), { nodeId: 'liar', blocks: sharing });
  closersOfTest.push(() => reporting.stop());
}

beforeAll(async () => {
  backend = await new Backend('app').start();
  closers.push(() => backend.stop());
  replicas = [await replica(), await replica()];
  const [first, second] = replicas;
  second.links.follow(`127.0.0.1:${first.port}`, INSECURE);
  ports = [await proxy('one', first.port, closers), await proxy('two', first.port, closers), await proxy('three', second.port, closers)];
  await until(() => first.hub.counts.connected === 2 && second.hub.counts.connected === 1, 'the proxies');
  while ((await first.fleet.status()).proxies.length !== 3);
});
afterEach(async () => {
  for (const close of closersOfTest.splice(0).reverse()) await close();
});
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

test('a source that one proxy blocks is refused by the others, also by one of another replica and one that joins later', async () => {
  await provoke(ports[0], '127.0.1.1', 'shared');
  expect(await shared('127.0.1.1')).toMatchObject({ by: 'threats', policy: 'SecurityPolicy/default/shared', origin: 'one' });
  for (const port of ports) expect(await refusal(port, '127.0.1.1', 'shared')).toBe('request_blocked');
  expect(await refusal(ports[1], '127.0.1.2', 'shared')).toBe('access_denied');
  expect(await refusal(ports[1], '127.0.1.1', 'short')).toBe('access_denied');
  const later = await proxy('later', replicas[1].port, closersOfTest);
  while (!(await listed()).blocks.some(({ source, proxies }) => source === '127.0.1.1' && proxies.includes('later')));
  expect(await refusal(later, '127.0.1.1', 'shared')).toBe('request_blocked');
});

test('a shared block ends in time at all proxies', async () => {
  await provoke(ports[2], '127.0.1.3', 'short');
  while ((await listed()).blocks.some(({ source }) => source === '127.0.1.3'));
  for (const port of ports) expect(await refusal(port, '127.0.1.3', 'short')).toBe('access_denied');
});

test('an operator ends a shared block at all proxies, and none tells it again', async () => {
  await provoke(ports[1], '127.0.1.4', 'shared');
  await shared('127.0.1.4');
  const ended = { kind: 'block', backend: '', endpoint: '127.0.1.4', state: 'auto', at: Date.now() };
  expect(await replicas[0].fleet.override(ended)).toMatchObject({ ok: true });
  for (const port of ports) expect(await refusal(port, '127.0.1.4', 'shared')).toBe('access_denied');
  for (const { hub } of replicas) expect(hub.threats.all().some(({ block }) => block.source === '127.0.1.4')).toBe(false);
});

test('with the scope Proxy a block stays at its proxy, and blocks that others tell have no effect', async () => {
  await provoke(ports[0], '127.0.1.5', 'local');
  tells([told('127.0.1.6', 'local'), told('127.0.1.6', 'shared')]);
  await shared('127.0.1.6');
  expect(await refusal(ports[1], '127.0.1.6', 'local')).toBe('access_denied');
  expect(await refusal(ports[1], '127.0.1.6', 'shared')).toBe('request_blocked');
  expect(await refusal(ports[1], '127.0.1.5', 'local')).toBe('access_denied');
  expect((await listed()).blocks.find(({ source }) => source === '127.0.1.5')?.proxies).toEqual(['one']);
});

test('a proxy that lies blocks no longer than the policy says, and a limited number of sources', async () => {
  const heard: ThreatBlock[] = [];
  const listening = reportTo(replicas[1].port, new GivenReports(), {
    nodeId: 'listener',
    blocks: { ...NO_BLOCKS, take: (blocks) => void heard.push(...blocks) },
  });
  closersOfTest.push(() => listening.stop());
  await until(() => replicas[1].hub.counts.connected >= 2, 'the listener');
  const before = replicas[0].hub.threats.counts.refused;
  const capped = told('127.0.1.7', 'capped', { until: 8.64e15 });
  tells([capped, ...Array.from({ length: 2_000 }, (_, i) => told(`10.1.${i >> 8}.${i & 255}`, 'shared'))]);
  await until(() => replicas[0].hub.threats.counts.refused > before, 'the refusal');
  await until(() => heard.some(({ source }) => source === '127.0.1.7'), 'the shared blocks');
  expect(await refusal(ports[1], '127.0.1.7', 'capped')).toBe('access_denied');
  expect(heard.filter(({ source }) => source.startsWith('10.1.')).length).toBeLessThan(1_000);
  expect(await refusal(ports[1], '127.0.1.9', 'shared')).toBe('access_denied');
});
