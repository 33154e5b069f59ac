// The connection of each attempt, and the time for which connections are kept.
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { attemptOf, PoolRig } from '../../test/support/pool-rig.ts';
import { ERRORS } from '../exchange/errors.ts';
import type { Limits } from '../exchange/limits.ts';
import { ConnectionPool } from './pool.ts';

beforeEach(() => void jest.useFakeTimers({ advanceTimers: false }));
afterEach(() => void jest.useRealTimers());

function open(limits: Partial<Limits> = {}): { readonly rig: PoolRig; readonly pool: ConnectionPool } {
  const rig = new PoolRig(limits);
  return { rig, pool: new ConnectionPool(rig.connect, rig.options) };
}

/** A pool with a number of busy connections. */
function busy(count: number, limits: Partial<Limits> = {}) {
  const opened = open(limits);
  for (let i = 0; i < count; i++) {
    opened.pool.send(attemptOf());
    opened.rig.connection(i).connected();
  }
  return opened;
}

describe('an attempt', () => {
  test('gets the most recently used connection, or a new one if none is free', () => {
    const { rig, pool } = busy(2);
    for (const index of [1, 0]) rig.connection(index).done();
    const attempts = [attemptOf(), attemptOf(), attemptOf()];
    for (const attempt of attempts) pool.send(attempt);
    rig.connection(2).connected();
    expect([0, 1, 2].map((index) => rig.connection(index).sent.at(-1))).toEqual(attempts);
    expect(attempts.map(({ stream }) => stream)).toEqual(rig.connections);
  });

  test('gets the first connection that becomes free', () => {
    const { rig, pool } = busy(1);
    const waiting = attemptOf();
    pool.send(waiting);
    rig.connection(0).done();
    expect(rig.connection(0).sent.at(-1)).toBe(waiting);
    rig.connection(1).connected();
    expect(pool.counts).toMatchObject({ open: 2, idle: 1, pending: 0 });
  });

  test('that was abandoned gets none, and the new connection is kept', () => {
    const { rig, pool } = open();
    const left = attemptOf();
    pool.send(left);
    pool.forget(left);
    rig.connection(0).connected();
    expect([rig.connection(0).sent, pool.idleCount]).toEqual([[], 1]);
  });

  test('fails with its failed connection, one each, and the others continue to wait', () => {
    const { rig, pool } = open({ maxConnectionsPerEndpoint: 1 });
    const [first, second] = [attemptOf(), attemptOf()];
    for (const attempt of [first, second]) pool.send(attempt);
    rig.connection(0).gone(ERRORS.upstreamConnectFailed);
    expect(rig.failed).toEqual([[first, 'upstream_connect_failed']]);
    rig.connection(1).connected();
    expect(rig.connection(1).sent).toEqual([second]);
    expect([rig.told, pool.counts]).toEqual([['failed', 'connected'], { open: 1, idle: 0, pending: 0, slow: 0 }]);
  });
});

describe('a connection', () => {
  test('closes after the idle timeout, and not earlier', () => {
    const { rig, pool } = busy(2, { poolIdleTimeout: 1_000 });
    rig.connection(0).done();
    jest.advanceTimersByTime(500);
    rig.connection(1).done();
    jest.advanceTimersByTime(475);
    expect(rig.connections.map(({ closing }) => closing)).toEqual([false, false]);
    jest.advanceTimersByTime(125);
    expect(rig.connections.map(({ closing }) => closing)).toEqual([true, false]);
    jest.advanceTimersByTime(500);
    expect(rig.connections.map(({ closing }) => closing)).toEqual([true, true]);
    expect([pool.idleCount, rig.wheel.size]).toEqual([0, 0]);
  });

  test('is not kept above the maximum, nor while other pools wait for room', () => {
    const { rig } = busy(2, { maxIdlePerEndpoint: 1, maxConnectionsPerEndpoint: 2 });
    for (const index of [0, 1]) rig.connection(index).done();
    expect(rig.connections.map(({ closing }) => closing)).toEqual([false, true]);
    const other = busy(1, { maxConnectionsPerEndpoint: 1 });
    other.rig.capacity.takeConnection({ openAsNeeded: () => undefined });
    other.rig.connection(0).done();
    expect(other.rig.connection(0).closing).toBe(true);
  });

  test('that counts apart carries no other attempt', () => {
    const { rig, pool } = busy(1, { maxConnectionsPerEndpoint: 2 });
    rig.connection(0).aside = true;
    const waiting = attemptOf();
    pool.send(waiting);
    rig.connection(0).done();
    expect([rig.connection(0).closing, rig.connection(0).sent.length]).toEqual([true, 1]);
  });

  test('that dies idle is not used', () => {
    const { rig, pool } = busy(1);
    rig.connection(0).done();
    rig.connection(0).gone();
    pool.send(attemptOf());
    expect([rig.connection(0).sent.length, rig.connections.length]).toEqual([1, 2]);
  });
});

test('a closed pool closes idle connections now, and busy ones when they become idle', () => {
  const { rig, pool } = busy(2, { poolIdleTimeout: 1_000 });
  rig.connection(0).done();
  pool.close();
  expect(rig.connections.map(({ closing }) => closing)).toEqual([true, false]);
  rig.connection(1).done();
  expect(rig.connection(1).closing).toBe(true);
  expect(rig.wheel.size).toBe(0);
});

test('a pool reports that it is empty after its last connection and its last attempt', () => {
  const { rig, pool } = open({ maxPendingPerEndpoint: 1 });
  const [first, turned] = [attemptOf(), attemptOf()];
  pool.send(first);
  pool.send(turned);
  expect([rig.failed, rig.emptied]).toEqual([[[turned, 'overloaded']], 0]);
  rig.connection(0).connected();
  rig.connection(0).done();
  expect(rig.emptied).toBe(0);
  rig.connection(0).gone();
  expect(rig.emptied).toBe(1);
});

describe('attempts with terms of their own', () => {
  test('get the free connection by priority, then by waiting time', () => {
    const { rig, pool } = busy(1, { maxConnectionsPerEndpoint: 1 });
    const strict = { maxConnections: 1 };
    const sheddable = { route: { priority: { level: 2, header: null } } } as never;
    const [late, first, second] = [attemptOf(sheddable, strict), attemptOf({}, strict), attemptOf()];
    for (const attempt of [late, first]) pool.send(attempt);
    jest.advanceTimersByTime(50);
    pool.send(second);
    for (let left = 3; left > 0; left--) rig.connection(0).done();
    expect(rig.connection(0).sent.slice(1)).toEqual([first, second, late]);
    expect(rig.connections.length).toBe(1);
  });

  test('that wait in vain close no connection of others', () => {
    const { rig, pool } = busy(3);
    const strict = attemptOf({}, { maxConnections: 1 });
    pool.send(strict);
    for (const index of [0, 1, 2]) rig.connection(index).done();
    expect([rig.connection(0).sent.at(-1), pool.idleCount]).toEqual([strict, 2]);
    expect(rig.connections.map(({ closing }) => closing)).toEqual([false, false, false]);
  });

  test('open as many connections as each of them may, also after a connection went to another one', () => {
    const { rig, pool } = busy(2);
    const strict = attemptOf({}, { maxConnections: 2 });
    const wide = attemptOf({}, { maxConnections: 4 });
    pool.send(strict);
    jest.advanceTimersByTime(50);
    pool.send(wide);
    expect(rig.connections.length).toBe(3);
    rig.connection(2).connected();
    expect(rig.connection(2).sent).toEqual([strict]);
    expect(rig.connections.length).toBe(4);
    rig.connection(3).connected();
    expect(rig.connection(3).sent).toEqual([wide]);
  });

  test('leave connections that carried enough for them', () => {
    const { rig, pool } = busy(1, { maxConnectionsPerEndpoint: 1 });
    const fresh = attemptOf({}, { maxRequests: 1 });
    pool.send(fresh);
    rig.connection(0).done();
    expect(rig.connection(0).closing).toBe(true);
    rig.connection(0).gone();
    rig.connection(1).connected();
    expect(rig.connection(1).sent).toEqual([fresh]);
  });
});
