// Connections with concurrent attempts: the choice of a connection, new connections, and failures.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { attemptOf, PoolRig } from '../../test/support/pool-rig.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { ConnectionTerms } from '../exchange/connection-terms.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Limits } from '../exchange/limits.ts';
import { SharedPool } from './shared-pool.ts';
import type { ConnectShared, SharedConnection, SharedConnectionOwner } from './shared-pool.ts';

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

/** A fake connection with a number of places; a test opens and closes it. */
class FakeConnection {
  readonly #owner: SharedConnectionOwner;
  readonly sent: Attempt[] = [];
  #room: number;
  readonly openedAt = 0;
  idleSince = 0;
  retiring = false;
  #carries = 0;
  terms: ConnectionTerms;

  constructor(owner: SharedConnectionOwner, terms: ConnectionTerms, room: number) {
    this.terms = terms;
    this.#owner = owner;
    this.#room = room;
  }

  get carried(): number {
    return this.sent.length;
  }

  room(maxStreams: number): number {
    return Math.min(this.#room, maxStreams - this.#carries);
  }

  get idle(): boolean {
    return this.#carries === 0;
  }

  ready(): boolean {
    return true;
  }

  send(attempt: Attempt): void {
    this.sent.push(attempt);
    this.#carries++;
    this.#room--;
  }

  retire(): void {
    this.retiring = true;
  }

  connected(): void {
    this.#owner.connected(this.#self);
  }

  /** Ends one of its attempts. */
  done(): void {
    this.#carries--;
    this.#room++;
    this.#owner.roomier(this.#self);
  }

  gone(error: Parameters<SharedConnectionOwner['closed']>[1] = null): void {
    this.#owner.closed(this.#self, error);
  }

  get #self(): SharedConnection {
    return this as unknown as SharedConnection;
  }
}

/** `room`: places of each connection. */
function open(limits: Partial<Limits> = {}, room = 2) {
  const rig = new PoolRig({ maxStreamsPerUpstream: room, ...limits });
  const connections: FakeConnection[] = [];
  const connect: ConnectShared = (owner, terms) => {
    const connection = new FakeConnection(owner, terms, room);
    connections.push(connection);
    return connection as unknown as SharedConnection;
  };
  const pool = new SharedPool(connect, rig.options);
  const at = (index: number): FakeConnection => {
    const connection = connections[index];
    if (connection === undefined) throw new Error(`the pool opened ${connections.length} connections`);
    return connection;
  };
  return { rig, pool, connections, at };
}

function sendTo({ pool }: { readonly pool: SharedPool }, count: number): readonly Attempt[] {
  const attempts = Array.from({ length: count }, () => attemptOf());
  for (const attempt of attempts) pool.send(attempt);
  return attempts;
}

describe('attempts', () => {
  test('wait for one connection up to its places, and for more connections above that', () => {
    const opened = open();
    const attempts = sendTo(opened, 3);
    expect(opened.connections).toHaveLength(2);
    opened.at(0).connected();
    expect([opened.at(0).sent, opened.pool.counts.pending]).toEqual([attempts.slice(0, 2), 1]);
    opened.at(1).connected();
    expect(opened.at(1).sent).toEqual(attempts.slice(2));
  });

  test('get places in order of arrival', () => {
    const opened = open({ maxConnectionsPerEndpoint: 1 }, 1);
    const attempts = sendTo(opened, 3);
    opened.at(0).connected();
    opened.at(0).done();
    opened.at(0).done();
    expect(opened.at(0).sent).toEqual(attempts);
  });

  test('that were abandoned are skipped', () => {
    const opened = open({ maxConnectionsPerEndpoint: 1 }, 1);
    const [first, left, last] = sendTo(opened, 3) as [Attempt, Attempt, Attempt];
    opened.pool.forget(left);
    opened.at(0).connected();
    opened.at(0).done();
    expect(opened.at(0).sent).toEqual([first, last]);
  });

  test('all fail with the only connection, each once', () => {
    const opened = open({ maxConnectionsPerEndpoint: 1 });
    const attempts = sendTo(opened, 3);
    opened.at(0).gone(ERRORS.upstreamConnectFailed);
    expect(opened.rig.failed).toEqual(attempts.map((attempt) => [attempt, 'upstream_connect_failed']));
    expect([opened.rig.told, opened.pool.counts.pending]).toEqual([['failed'], 0]);
  });

  test('wait while another connection may have room later', () => {
    const opened = open({}, 1);
    const [, waiting] = sendTo(opened, 2) as [Attempt, Attempt];
    opened.at(0).connected();
    opened.at(1).gone(ERRORS.upstreamConnectFailed);
    expect(opened.rig.failed).toEqual([]);
    opened.at(0).done();
    expect(opened.at(0).sent.at(-1)).toBe(waiting);
  });
});

test('a refused connection is tried again: after a pause while others are full, at once if they are gone', () => {
  const opened = open({}, 1);
  const [, waiting] = sendTo(opened, 2) as [Attempt, Attempt];
  opened.at(0).connected();
  opened.at(1).gone(ERRORS.upstreamConnectFailed);
  sendTo(opened, 1);
  expect(opened.connections).toHaveLength(2);
  jest.advanceTimersByTime(1_000);
  expect(opened.connections).toHaveLength(4);
  opened.at(2).gone(ERRORS.upstreamConnectFailed);
  opened.at(3).gone(ERRORS.upstreamConnectFailed);
  expect([opened.connections.length, opened.rig.failed]).toEqual([4, []]);
  opened.at(0).gone();
  opened.at(4).connected();
  expect(opened.at(4).sent).toEqual([waiting]);
});

describe('a connection', () => {
  test('is retired after the idle timeout, and not earlier', () => {
    const opened = open({ poolIdleTimeout: 1_000 });
    sendTo(opened, 1);
    opened.at(0).connected();
    jest.advanceTimersByTime(2_000);
    opened.at(0).done();
    jest.advanceTimersByTime(975);
    expect(opened.at(0).retiring).toBe(false);
    jest.advanceTimersByTime(100);
    expect([opened.at(0).retiring, opened.rig.wheel.size]).toEqual([true, 0]);
  });

  test('is retired at once if another pool waits for its place', () => {
    const opened = open({ maxConnectionsPerEndpoint: 1 });
    sendTo(opened, 1);
    opened.at(0).connected();
    opened.rig.capacity.takeConnection({ openAsNeeded: () => undefined });
    opened.at(0).done();
    expect(opened.at(0).retiring).toBe(true);
  });

  test('with attempts stays when idle ones close', () => {
    const opened = open({}, 1);
    sendTo(opened, 2);
    for (const connection of opened.connections) connection.connected();
    opened.at(0).done();
    expect([opened.pool.closeIdle(), opened.connections.map(({ retiring }) => retiring)]).toEqual([true, [true, false]]);
  });
});

test('a closed pool retires its connections, and later ones as soon as they are idle', () => {
  const opened = open({}, 1);
  sendTo(opened, 2);
  opened.at(0).connected();
  opened.pool.close();
  opened.at(1).connected();
  expect(opened.connections.map(({ retiring }) => retiring)).toEqual([true, false]);
  opened.at(1).done();
  expect([opened.at(1).retiring, opened.rig.wheel.size]).toEqual([true, 0]);
});

test('a pool reports that it is empty: after its last connection, and after it refused the first attempt', () => {
  const opened = open({ maxPendingPerEndpoint: 1, maxConnectionsPerEndpoint: 1 });
  sendTo(opened, 1);
  opened.at(0).connected();
  opened.at(0).done();
  expect(opened.rig.emptied).toBe(0);
  opened.at(0).gone();
  expect(opened.rig.emptied).toBe(1);
  const full = open({ maxPendingPerEndpoint: 0 });
  const [turned] = sendTo(full, 1);
  expect([full.rig.failed, full.rig.emptied]).toEqual([[[turned, 'overloaded']], 1]);
});
