// Connections of one client: never used by another, within the limits of the endpoint, and removed after the client.
import { describe, expect, test } from '@jest/globals';
import { attemptOf, PoolRig } from '../../test/support/pool-rig.ts';
import type { Attempt } from '../exchange/attempt.ts';
import type { Limits } from '../exchange/limits.ts';
import { ClientPools } from './client-pools.ts';
import type { PooledClient } from './client-pools.ts';
import { ConnectionPool } from './pool.ts';

interface Opened {
  readonly rig: PoolRig;
  readonly pools: ClientPools;
  /** The clients with a created pool, in order. */
  readonly made: PooledClient[];
}

function open(limits: Partial<Limits> = {}): Opened {
  const rig = new PoolRig(limits);
  const made: PooledClient[] = [];
  const create = (client: PooledClient, sharing: object) => {
    made.push(client);
    return new ConnectionPool(rig.connect, { ...rig.options, ...sharing });
  };
  return { rig, made, pools: new ClientPools(create, rig.limits, rig.wheel) };
}

/** A connection of a client. */
function peer(remoteAddress: string, remotePort = 1_000): Attempt['exchange']['connection'] {
  return { remoteAddress, remotePort, localAddress: '192.0.2.1', localPort: 80, protocol: 'http/1.1', tls: null };
}

function from(connection: Attempt['exchange']['connection'], told: string | null = null): Attempt {
  const attempt = attemptOf({ client: told === null ? null : ({ address: told } as never) });
  Object.assign(attempt.exchange, { connection });
  return attempt;
}

describe('the connections of a client', () => {
  test('carry its requests and no others', () => {
    const { rig, pools } = open();
    const [one, other] = [peer('10.0.0.1'), peer('10.0.0.2')];
    const attempts = [from(one), from(other), from(one)];
    pools.send(attempts[0] as Attempt);
    rig.connection(0).connected();
    rig.connection(0).done();
    for (const attempt of attempts.slice(1)) pools.send(attempt);
    rig.connection(1).connected();
    expect(rig.connections.map(({ sent }) => sent)).toEqual([[attempts[0], attempts[2]], [attempts[1]]]);
  });

  test('are shared by all connections of a trusted proxy that reports it without a port', () => {
    const { rig, pools, made } = open();
    const told = [
      from(peer('10.0.0.1', 1), '203.0.113.7'),
      from(peer('10.0.0.1', 2), '203.0.113.7'),
      from(peer('10.0.0.1', 2), '203.0.113.8'),
    ];
    pools.send(told[0] as Attempt);
    rig.connection(0).connected();
    rig.connection(0).done();
    for (const attempt of told.slice(1)) pools.send(attempt);
    expect(rig.connection(0).sent).toEqual(told.slice(0, 2));
    expect(made.map(({ remoteAddress, remotePort }) => [remoteAddress, remotePort])).toEqual([
      ['203.0.113.7', 0],
      ['203.0.113.8', 0],
    ]);
  });

  test('close for a waiting client, the oldest first', () => {
    const { rig, pools } = open({ maxConnectionsPerEndpoint: 2 });
    for (const [i, address] of ['10.0.0.1', '10.0.0.2'].entries()) {
      pools.send(from(peer(address)));
      rig.connection(i).connected();
      rig.connection(i).done();
    }
    const third = from(peer('10.0.0.3'));
    pools.send(third);
    expect(rig.connections.map(({ closing }) => closing)).toEqual([true, false]);
    rig.connection(0).gone();
    rig.connection(2).connected();
    expect(rig.connection(2).sent).toEqual([third]);
  });
});

describe('nothing is kept of a client', () => {
  test('after its last connection', () => {
    const { rig, pools, made } = open();
    const client = peer('10.0.0.1');
    pools.send(from(client));
    rig.connection(0).connected();
    rig.connection(0).gone();
    pools.send(from(client));
    expect(made).toHaveLength(2);
  });

  test('after its request was refused', () => {
    const { rig, pools, made } = open({ maxConnectionsPerEndpoint: 1, maxPendingPerEndpoint: 1 });
    const [first, turned] = [peer('10.0.0.1'), peer('10.0.0.2')];
    pools.send(from(first));
    const away = [from(turned), from(turned)];
    for (const attempt of away) pools.send(attempt);
    expect(rig.failed).toEqual(away.map((attempt) => [attempt, 'overloaded']));
    expect(made).toHaveLength(3);
  });

  test('and its earlier wait takes nothing from its later pool', () => {
    const { rig, pools, made } = open({ maxConnectionsPerEndpoint: 2 });
    const [client, first, second] = [peer('10.0.0.1'), peer('10.0.0.2'), peer('10.0.0.3')];
    for (const each of [client, first]) pools.send(from(each));
    for (const connection of rig.connections) connection.connected();
    // It is second in the line when it leaves with its only connection.
    pools.send(from(second));
    const left = from(client);
    pools.send(left);
    pools.forget(left);
    rig.connection(0).gone();
    rig.connection(2).connected();
    const again = from(client);
    pools.send(again);
    rig.connection(1).gone();
    rig.connection(3).connected();
    rig.connection(3).done();
    expect(rig.connection(3)).toMatchObject({ sent: [again], closing: false });
    pools.send(from(client));
    expect([rig.connection(3).sent.length, made.length]).toEqual([2, 4]);
  });
});

test('a closed endpoint keeps no connection of old or new clients', () => {
  const { rig, pools } = open();
  pools.send(from(peer('10.0.0.1')));
  rig.connection(0).connected();
  pools.close();
  rig.connection(0).done();
  pools.send(from(peer('10.0.0.2')));
  rig.connection(1).connected();
  rig.connection(1).done();
  expect(rig.connections.map(({ closing }) => closing)).toEqual([true, true]);
});
