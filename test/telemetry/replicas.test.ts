// Several controllers, each with a proxy: the one that an operator asks answers for the proxies of all.
import { afterEach, describe, expect, test } from '@jest/globals';
import { setTimeout } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import type { OverrideMessage } from '#api/wire/telemetry-messages.ts';
import { ok } from '#lib/result.ts';
import { PeerLinks } from '../../controller/relay/peer-links.ts';
import { Fleet } from '../../controller/telemetry/fleet.ts';
import type { Override } from '../../controller/telemetry/overrides.ts';
import { Cell } from '../../controller/telemetry/window/cell.ts';
import { FleetWindow } from '../../controller/telemetry/window/fleet-window.ts';
import type { WindowQuestion } from '../../controller/telemetry/window/part.ts';
import { ENDPOINT } from '../../controller/telemetry/window/window.ts';
import { Commands } from '../../proxy/reporting/commands.ts';
import type { ReportReading } from '../../proxy/reporting/source.ts';
import { Relay } from '../support/push.ts';
import { GivenReports, IDLE_COMMANDS, LOG, NOTHING, reportTo, serveHub } from '../support/telemetry.ts';
import type { HubServer } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Replica extends HubServer {
  readonly fleet: Fleet;
  readonly links: PeerLinks;
  /** What its proxy counts. */
  readonly source: GivenReports;
  /** The overrides that its proxy was told. */
  readonly told: OverrideMessage[];
  follow(port: number | null): void;
}

/** A controller with one proxy. */
async function replica(name: string): Promise<Replica> {
  const held: { links?: PeerLinks } = {};
  const served = await serveHub({ reports: (_stream, end) => end(null, {}), links: (stream) => held.links?.accept(stream) });
  const links = (held.links = new PeerLinks(served.hub, LOG));
  const fleet = new Fleet({ hub: served.hub, peers: links, resources: () => [], version: '1' });
  closers.push(() => {
    links.follow(null, () => credentials.createInsecure());
    return served.server.stop();
  });
  const told: OverrideMessage[] = [];
  const source = new GivenReports();
  source.count('b', 'e', 1);
  const tell = (override: OverrideMessage): void => void told.push(override);
  const table = {
    ...IDLE_COMMANDS,
    override: ({ override }: { readonly override: OverrideMessage }) => {
      tell(override);
      return ok(undefined);
    },
  };
  const commands = new Commands(table, LOG, (all) => all.forEach(tell));
  const reporting = reportTo(served.port, source, { nodeId: name, commands });
  closers.push(() => reporting.stop());
  await until(() => served.hub.counts.connected === 1, `the proxy of ${name}`);
  const follow = (port: number | null): void =>
    links.follow(port === null ? null : `127.0.0.1:${port}`, () => credentials.createInsecure());
  return { ...served, links, fleet, source, told, follow };
}

async function names({ fleet }: Replica): Promise<readonly string[]> {
  return (await fleet.status()).proxies.map(({ node }) => node);
}

/** Resolves once the status of a replica has this many proxies. */
async function linked(asked: Replica, count: number): Promise<void> {
  const deadline = performance.now() + 30_000;
  while ((await names(asked)).length !== count) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${count} proxies in the status`);
    await setTimeout(5);
  }
}

/** Calls `disturb` before the report with the next counts, when the one before is confirmed. */
class DisturbedReports extends GivenReports {
  disturb = (): void => undefined;

  override read(): Promise<ReportReading> {
    if (this.next !== NOTHING) this.disturb();
    return super.read();
  }
}

/** The attempts at the backend `moved` that the window of a controller has. */
function attempts({ hub }: HubServer): number {
  const cell = new Cell(ENDPOINT.size);
  for (const { labels, series } of hub.window.seriesOf('endpoint'))
    if (labels[0] === 'moved') series.addTo(cell, { first: 0, last: Infinity }, false);
  return cell.counts[ENDPOINT.attempts] ?? 0;
}

function override(endpoint: string, state: string, at: number): Override {
  return { kind: 'endpoint', backend: '', endpoint, state, at };
}

describe('replicas', () => {
  test('tell the leader the states that their proxies see', async () => {
    const [leader, other] = [await replica('leader'), await replica('other')];
    other.follow(leader.port);
    await linked(leader, 2);
    const states = [{ reason: 'ejected', ageMs: 1 }];
    other.source.next = { ...NOTHING, addresses: [{ endpoint: '10.0.0.1:80', inFlight: 0, connections: 0, states }] };
    const deadline = performance.now() + 30_000;
    for (;;) {
      const seen = await leader.fleet.states();
      if (seen.states.length === 1) {
        expect(seen).toEqual({ complete: true, states: [{ proxy: 'other', endpoints: { '10.0.0.1:80': ['ejected'] }, breakers: {} }] });
        return;
      }
      if (performance.now() > deadline) throw new Error('waited in vain for the states of the other replica');
      await setTimeout(5);
    }
  });

  test('answer for the proxies of all, whichever is asked', async () => {
    const [leader, one, two] = [await replica('leader'), await replica('one'), await replica('two')];
    one.follow(leader.port);
    two.follow(leader.port);
    for (const asked of [leader, one, two]) {
      await linked(asked, 3);
      expect(await names(asked)).toEqual(['leader', 'one', 'two']);
      expect((await asked.fleet.status()).missing).toEqual([]);
      const others = (question: WindowQuestion) => asked.links.windows(question);
      const window = new FleetWindow({ window: asked.hub.window, others, gauge: () => Promise.reject(new Error('no gauge')) });
      expect(await window.sum({ metric: 'upstream_attempts', rangeMs: 60_000 })).toMatchObject({
        value: { values: [{ labels: {}, value: 3 }], missing: [] },
      });
    }
    const { signal } = new AbortController();
    const order = { deadlineMs: 5_000, chunk: () => undefined, signal };
    const ends = await one.fleet.command({ ...order, action: { action: 'drain', drain: {} }, proxies: ['two', 'leader'] });
    expect(ends.map(({ proxy, outcome }) => `${proxy} ${outcome}`).toSorted()).toEqual(['leader done', 'two done']);
  });

  test('count a report once, although its proxy moves before the confirmation comes', async () => {
    const [leader, other] = [await replica('leader'), await replica('other')];
    other.follow(leader.port);
    await linked(other, 2);
    const way = new Relay(leader.port);
    closers.push(() => way.close());
    const source = new DisturbedReports();
    const reporting = reportTo(await way.listen(), source, { nodeId: 'moving' });
    closers.push(() => reporting.stop());
    source.disturb = () => way.dropDown();
    source.count('moved', 'e', 5);
    await until(() => attempts(leader) === 5, 'the report without a confirmation');
    source.disturb = () => undefined;
    source.count('moved', 'e', 7);
    way.target = other.port;
    way.cut();
    await until(() => attempts(other) >= 7, 'the counts since');
    expect([attempts(leader), attempts(other)]).toEqual([5, 7]);
    // A controller that has started anew does not know the report: it comes again.
    source.disturb = () => way.dropDown();
    source.count('moved', 'e', 11);
    await until(() => attempts(other) === 18, 'another report without a confirmation');
    source.disturb = () => undefined;
    const later = await serveHub();
    closers.push(() => later.server.stop());
    way.target = later.port;
    way.cut();
    await until(() => attempts(later) === 11, 'the report again');
  });

  test('set an override at the proxies of all, and at those of a replica that comes later', async () => {
    const [leader, one] = [await replica('leader'), await replica('one')];
    one.follow(leader.port);
    await linked(one, 2);
    const set = await one.fleet.override(override('10.0.0.1:80', 'out', 1_000));
    expect(set.ok && set.value.map(({ proxy, outcome }) => `${proxy} ${outcome}`).toSorted()).toEqual(['leader done', 'one done']);
    const later = await replica('later');
    await later.fleet.override(override('10.0.0.2:80', 'in', 2_000));
    later.follow(leader.port);
    await until(() => later.told.length === 2 && leader.told.length === 2 && one.told.length === 2, 'both overrides everywhere');
    expect(one.hub.overrides.inForce().map(({ endpoint, state }) => `${endpoint} ${state}`)).toEqual(['10.0.0.1:80 out', '10.0.0.2:80 in']);
    await later.fleet.override(override('10.0.0.1:80', 'auto', 3_000));
    expect(leader.hub.overrides.inForce()).toHaveLength(1);
  });

  test('open the breaker of a backend at the proxies of all, until one of them withdraws that', async () => {
    const [leader, one, two] = [await replica('leader'), await replica('one'), await replica('two')];
    one.follow(leader.port);
    two.follow(leader.port);
    await linked(one, 3);
    const breaker = { kind: 'breaker', backend: 'Backend/default/app', endpoint: '' };
    const set = await one.fleet.override({ ...breaker, state: 'open', at: 1_000 });
    expect(set.ok && set.value.map(({ proxy, outcome }) => `${proxy} ${outcome}`).toSorted()).toEqual([
      'leader done',
      'one done',
      'two done',
    ]);
    for (const { hub, fleet } of [leader, one, two]) {
      expect(hub.overrides.inForce()).toEqual([{ ...breaker, state: 'open', at: 1_000 }]);
      expect(fleet.backends()).toEqual(new Set(['Backend/default/app']));
    }
    await two.fleet.override({ ...breaker, state: 'auto', at: 2_000 });
    for (const { hub, told } of [leader, one, two]) {
      expect(hub.overrides.inForce()).toEqual([]);
      expect(told).toMatchObject(['open', 'auto'].map((state) => ({ ...breaker, state })));
    }
  });

  test('do not bring back what was withdrawn while one was away', async () => {
    const [leader, one] = [await replica('leader'), await replica('one')];
    one.follow(leader.port);
    await linked(one, 2);
    await one.fleet.override(override('10.0.0.1:80', 'out', 1_000));
    one.follow(null);
    await linked(one, 1);
    await leader.fleet.override(override('10.0.0.1:80', 'auto', 2_000));
    one.follow(leader.port);
    await until(() => one.hub.overrides.inForce().length === 0, 'the withdrawal');
    expect(leader.hub.overrides.inForce()).toEqual([]);
  });

  test('name one that does not answer', async () => {
    const [leader, one] = [await replica('leader'), await replica('one')];
    const relay = new Relay(leader.port);
    closers.push(() => relay.close());
    one.follow(await relay.listen());
    await linked(one, 2);
    relay.freeze();
    const { missing, proxies, problems } = await one.fleet.status();
    expect(missing).toEqual([`127.0.0.1:${relay.port}`]);
    expect(proxies.map(({ node }) => node)).toEqual(['one']);
    expect(problems).toContainEqual(expect.objectContaining({ object: `controller 127.0.0.1:${relay.port}` }));
  });

  test('answer once, although two follow each other', async () => {
    const [one, two] = [await replica('one'), await replica('two')];
    one.follow(two.port);
    two.follow(one.port);
    await linked(one, 2);
    await linked(two, 2);
    const { backends } = await one.fleet.status();
    expect(backends).toEqual([]);
    const { aggregates } = await one.links.aggregates();
    expect(aggregates).toHaveLength(1);
  });
});
