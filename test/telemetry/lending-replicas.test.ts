// Limits of a fleet with several controllers: the leader lends to the proxies of all, and another leader takes over.
import { afterEach, expect, test } from '@jest/globals';
import { credentials } from '@grpc/grpc-js';
import type { Terms } from '#lib/limit/share.ts';
import { PeerLinks } from '../../controller/relay/peer-links.ts';
import { LimitDesk } from '../../controller/telemetry/limit-desk.ts';
import { Lease } from '../../proxy/supervisor/lease.ts';
import { GivenReports, LOG, reportTo, serveHub } from '../support/telemetry.ts';
import { until } from '../support/until.ts';

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const TERMS: Terms = { id: 'limit', algorithm: { kind: 'SlidingWindow', limit: 5, periodMs: 600_000 } };

interface Replica {
  readonly port: number;
  readonly desk: LimitDesk;
  readonly links: PeerLinks;
  readonly lease: Lease;
  readonly reports: GivenReports;
  /** The lenders that its proxy was told of, with the number of proxies. */
  readonly lenders: (readonly [string, number])[];
}

/** A controller with one proxy. */
async function replica(name: string): Promise<Replica> {
  const held: { links?: PeerLinks } = {};
  const { hub, server, port } = await serveHub({ reports: (_stream, end) => end(null, {}), links: (stream) => held.links?.accept(stream) });
  const links = (held.links = new PeerLinks(hub, LOG));
  const desk = new LimitDesk({ hub, peers: links, everyMs: 50, learnMs: 0 });
  links.lendBy(desk);
  desk.start();
  const lease = new Lease();
  const lenders: (readonly [string, number])[] = [];
  const borrowing = {
    found: (...[lender, borrowers, send]: Parameters<Lease['found']>) => {
      lenders.push([lender, borrowers]);
      lease.found(lender, borrowers, send);
    },
    receive: (lends: Parameters<Lease['receive']>[0]) => lease.receive(lends),
    counted: () => undefined,
    lost: () => lease.lost(),
  };
  const reports = new GivenReports();
  const reporting = reportTo(port, reports, { nodeId: name, borrowing });
  closers.push(async () => {
    links.follow(null, () => credentials.createInsecure());
    desk.stop();
    lease.stop();
    await reporting.stop();
    await server.stop();
  });
  return { port, desk, links, lease, reports, lenders };
}

async function allowed(replicas: readonly Replica[], requests: number): Promise<number> {
  const decisions = Array.from({ length: requests }, async (_, i) =>
    (replicas[i % replicas.length] as Replica).lease.take(TERMS, 'key', 1),
  );
  return (await Promise.all(decisions)).filter((decision) => decision?.allowed === true).length;
}

test('the proxies of two controllers share a limit exactly, also after another one leads', async () => {
  const [one, two] = [await replica('one'), await replica('two')];
  const both = [one, two];
  one.desk.lead(true);
  two.links.follow(`127.0.0.1:${one.port}`, () => credentials.createInsecure());
  await until(() => both.every(({ lenders }) => lenders.at(-1)?.[1] === 2), 'a lender for two proxies');
  expect(one.lenders.at(-1)).toEqual(two.lenders.at(-1));
  expect(await allowed(both, 3)).toBe(3);
  const [former = ''] = one.lenders.at(-1) ?? [];
  one.desk.lead(false);
  two.links.follow(null, () => credentials.createInsecure());
  two.desk.lead(true);
  one.links.follow(`127.0.0.1:${two.port}`, () => credentials.createInsecure());
  const isNew = ({ lenders }: Replica): boolean => lenders.at(-1)?.[0] !== former && lenders.at(-1)?.[1] === 2;
  await until(() => both.every(isNew), 'the new lender for two proxies');
  // What each has used is told with the first answer.
  await until(() => both.every(({ lease }) => !(lease.take(TERMS, 'key', 0) instanceof Promise)), 'answers of the new lender');
  expect(await allowed(both, 10)).toBe(2);
});

test('a controller that does not lead shows and resets what the leader counts', async () => {
  const [one, two] = [await replica('one'), await replica('two')];
  one.desk.lead(true);
  two.links.follow(`127.0.0.1:${one.port}`, () => credentials.createInsecure());
  await until(() => two.lenders.at(-1)?.[1] === 2, 'a lender for two proxies');
  expect(await allowed([two], 3)).toBe(3);
  const limit = { id: TERMS.id, capacity: 5, cost: 1 };
  expect(await two.desk.list([limit], 10)).toMatchObject([{ scope: 'shared', states: [{ key: 'key', left: 2 }], more: 0 }]);
  const form = { parts: [{ name: 'path', isSecret: false }], isDigest: false };
  expect(await two.desk.reset({ store: 'Lease', ids: [TERMS.id], form, key: 'path=key' })).toBe(1);
  expect(await two.desk.list([limit], 10)).toMatchObject([{ states: [] }]);
});

test('a proxy that drains counts as a borrower, but not as one that shares the requests', async () => {
  const [one, two] = [await replica('one'), await replica('two')];
  one.desk.lead(true);
  two.links.follow(`127.0.0.1:${one.port}`, () => credentials.createInsecure());
  const counts = (): readonly unknown[] => (one.desk.present([]) ?? []).map(({ borrowers, proxies }) => [borrowers, proxies]);
  await until(() => JSON.stringify(counts()) === '[[2,2]]', 'two proxies');
  two.reports.draining = true;
  await until(() => JSON.stringify(counts()) === '[[2,1]]', 'one that does not drain');
});
