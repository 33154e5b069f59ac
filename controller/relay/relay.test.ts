// Controllers report the state of their proxies to the leader, over mTLS and real sockets: one push server receives, another reports.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { connectRelay } from '#api/wire/relay.ts';
import type { SessionEvent } from '#api/wire/relay.ts';
import { createLog } from '#lib/log.ts';
import { TestCa } from '../../test/support/certificates.ts';
import type { IssuedFiles } from '../../test/support/certificates.ts';
import { until } from '../../test/support/until.ts';
import { PushCache } from '../push/cache.ts';
import type { PushObserver } from '../push/observer.ts';
import { PushServer } from '../push/server.ts';
import { OwnSessions } from './own-sessions.ts';
import { Receiver } from './receiver.ts';
import { Reporter } from './reporter.ts';

const LOG = createLog('silent');

/** The parts of a controller that the relay needs. */
interface Replica {
  readonly address: string;
  readonly sessions: OwnSessions;
  readonly receiver: Receiver;
  readonly reporter: Reporter;
  readonly server: PushServer;
  /** The events that its proxy reports received, one line each. */
  readonly told: string[];
  /** The kinds of the refused resources, one entry per count. */
  readonly refused: string[];
}

let ca: TestCa;
let replicas: Replica[];

async function replica(files: IssuedFiles): Promise<Replica> {
  const told: string[] = [];
  const observer: PushObserver = {
    connected: (session, scope) => void told.push(`${session} connected ${scope}`),
    disconnected: (session) => void told.push(`${session} disconnected`),
    acked: (session, kind, key, version) => void told.push(`${session} acked ${kind} ${key} ${version}`),
    nacked: (session, kind, key, { version, errors }) => void told.push(`${session} nacked ${kind} ${key} ${version} ${errors[0]?.reason}`),
  };
  const refused: string[] = [];
  const sessions = new OwnSessions(observer, (kind) => void refused.push(kind));
  const receiver = new Receiver(observer, LOG);
  const cache = new PushCache();
  const tls = { ca: files.ca, certificate: files.certificate, privateKey: files.privateKey };
  const reports = receiver.accept.bind(receiver);
  const server = new PushServer({ address: '127.0.0.1:0', tls, cacheOf: () => cache, observer: sessions, reports, log: LOG });
  const address = `127.0.0.1:${await server.start()}`;
  const made = { address, sessions, receiver, reporter: reporterOf(sessions, server), server, told, refused };
  replicas.push(made);
  return made;
}

function reporterOf(sessions: OwnSessions, server: PushServer): Reporter {
  return new Reporter({ sessions, credentials: () => server.clientCredentials(), log: LOG });
}

beforeEach(async () => {
  ca = await TestCa.create();
  replicas = [];
});

afterEach(async () => {
  for (const { reporter } of replicas) reporter.follow(null);
  await Promise.all(replicas.map(({ server }) => server.stop()));
  await ca.remove();
});

async function pair(): Promise<[Replica, Replica]> {
  const leader = await replica(await ca.issue('controller', 'DNS:controller'));
  const follower = await replica(await ca.issue('controller', 'DNS:controller'));
  leader.receiver.lead(true);
  return [leader, follower];
}

describe('the leader', () => {
  test('receives the current state and later events of the other controller', async () => {
    const [leader, follower] = await pair();
    const { sessions } = follower;
    sessions.connected('proxy-1', 'ns/gw');
    sessions.acked('proxy-1', 'Listener', 'ns/gw/http', 'v1');
    sessions.acked('proxy-1', 'Route', 'HTTPRoute/ns/r/0', 'v1');
    sessions.acked('proxy-1', 'Challenge', 'ns/cert/a.test', 'v1');
    sessions.nacked('proxy-1', 'Route', 'HTTPRoute/ns/r/1', { version: 'v1', errors: [{ field: '', reason: 'is odd' }] });
    sessions.connected('proxy-2', 'shared');
    sessions.disconnected('proxy-2');
    follower.reporter.follow(leader.address);
    await until(() => leader.told.length === 4);
    sessions.acked('proxy-1', 'Route', 'HTTPRoute/ns/r/1', 'v2');
    sessions.acked('proxy-1', 'Challenge', 'ns/cert/a.test', 'v2');
    sessions.nacked('proxy-1', 'Listener', 'ns/gw/http', { version: 'v2', errors: [{ field: 'port', reason: 'is taken' }] });
    sessions.disconnected('proxy-1');
    await until(() => leader.told.length === 8);
    expect(leader.told).toEqual([
      'controller-1/proxy-1 connected ns/gw',
      'controller-1/proxy-1 acked Listener ns/gw/http v1',
      'controller-1/proxy-1 acked Challenge ns/cert/a.test v1',
      'controller-1/proxy-1 nacked Route HTTPRoute/ns/r/1 v1 is odd',
      'controller-1/proxy-1 acked Route HTTPRoute/ns/r/1 v2',
      'controller-1/proxy-1 acked Challenge ns/cert/a.test v2',
      'controller-1/proxy-1 nacked Listener ns/gw/http v2 is taken',
      'controller-1/proxy-1 disconnected',
    ]);
    expect(follower.told).toHaveLength(11);
  });

  test('does not count refusals by proxies of another controller; that controller counts each version once', async () => {
    const [leader, follower] = await pair();
    const { sessions } = follower;
    const refuse = (version: string) =>
      sessions.nacked('proxy-1', 'Route', 'HTTPRoute/ns/r/0', { version, errors: [{ field: '', reason: 'is odd' }] });
    follower.reporter.follow(leader.address);
    sessions.connected('proxy-1', 'shared');
    for (const version of ['v1', 'v1', 'v2']) refuse(version);
    sessions.acked('proxy-1', 'Route', 'HTTPRoute/ns/r/0', 'v3');
    refuse('v2');
    await until(() => leader.told.length === 6);
    expect([follower.refused, leader.refused]).toEqual([['Route', 'Route', 'Route'], []]);
  });

  test('forgets the proxies of a controller that disconnects', async () => {
    const [leader, follower] = await pair();
    follower.sessions.connected('proxy-1', 'shared');
    follower.reporter.follow(leader.address);
    await until(() => leader.told.length === 1);
    follower.reporter.follow(null);
    await until(() => leader.told.length === 2);
    expect(leader.told.at(-1)).toBe('controller-1/proxy-1 disconnected');
  });

  test('refuses reports once it no longer leads, and the next leader receives the whole state', async () => {
    const [first, follower] = await pair();
    const next = await replica(await ca.issue('controller', 'DNS:controller'));
    follower.sessions.connected('proxy-1', 'shared');
    follower.reporter.follow(first.address);
    await until(() => first.told.length === 1);
    first.receiver.lead(false);
    await until(() => first.told.length === 2);
    expect(first.told.at(-1)).toBe('controller-1/proxy-1 disconnected');
    follower.reporter.follow(next.address);
    // The reporter retries until this controller leads.
    next.receiver.lead(true);
    await until(() => next.told.length === 1);
    expect(next.told).toEqual(['controller-1/proxy-1 connected shared']);
    expect(first.told).toHaveLength(2);
  });
});

describe('a peer that is not a controller', () => {
  const CHANNEL = { 'grpc.ssl_target_name_override': 'controller' };

  test.each([
    ['a proxy', 'proxy', 'URI:spiffe://weir/ns/ns/gateway/gw'],
    ['one that calls itself a controller in a URI', 'controller', 'URI:spiffe://weir/controller'],
  ])('%s cannot report', async (_, commonName, names) => {
    const [leader] = await pair();
    const proxy = await replica(await ca.issue(commonName, names));
    // Without this the reporter's own check of the leader would fail first.
    const files = await ca.issue(commonName, names);
    const [root, key, certificate] = [files.ca, files.privateKey, files.certificate].map((file) => readFileSync(file));
    const trusting = credentials.createSsl(root, key, certificate, { checkServerIdentity: () => undefined });
    const client = connectRelay(leader.address, trusting, CHANNEL);
    const error = await new Promise<ServiceError | null>((resolve) => {
      const stream = client.report(resolve);
      stream.on('error', () => undefined);
      const event: SessionEvent = { session: 'proxy-1', event: 'connected', connected: { scope: 'shared' } };
      stream.write(event);
    });
    client.close();
    expect([error?.code, error?.details]).toEqual([status.PERMISSION_DENIED, 'the client certificate is not that of a controller']);
    proxy.sessions.connected('proxy-1', 'shared');
    proxy.reporter.follow(leader.address);
    expect(leader.told).toEqual([]);
  });

  test('receives no reports', async () => {
    const [, follower] = await pair();
    const proxy = await replica(await ca.issue('proxy', 'URI:spiffe://weir/proxy'));
    proxy.receiver.lead(true);
    follower.sessions.connected('proxy-1', 'shared');
    let ended = '';
    const client = connectRelay(proxy.address, follower.server.clientCredentials(), CHANNEL);
    const stream = client.report((error) => (ended = error?.details ?? 'nothing'));
    stream.on('error', () => undefined);
    await until(() => ended !== '');
    client.close();
    expect(ended).toMatch(/the server is not a controller/);
    expect(proxy.told).toEqual([]);
  });
});
