// A bug in one session, or in an observer of sessions, does not affect other sessions.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Faults } from '#lib/faults.ts';
import { createLog } from '#lib/log.ts';
import { OwnSessions } from '../../controller/relay/own-sessions.ts';
import { PushWorld, cluster, route } from '../support/push.ts';
import { until } from '../support/until.ts';

let world: PushWorld;
let parts: string[];
let faults: Faults;

beforeEach(() => {
  world = new PushWorld();
  parts = [];
  faults = new Faults(createLog('silent'), (part) => void parts.push(part));
  world.cache.apply({ changed: [cluster('c'), route('r', 'c')], removed: [] });
});

afterEach(() => world.close());

test('a proxy whose greeting fails because of a bug is refused, reconnects and is served', async () => {
  let calls = 0;
  const cacheOf = () => {
    if (++calls === 2) throw new Error('a bug');
    return world.cache;
  };
  const { port, server } = await world.serve({ cacheOf, faults });
  const first = world.subscribe(port);
  await first.subscription.ready;
  const second = world.subscribe(port);
  await second.subscription.ready;
  expect(parts).toEqual(['session']);
  expect(first.subscription.state().connects).toBe(1);
  expect(second.target.held.size).toBe(2);
  expect(server.sessions()).toHaveLength(2);
});

test('a change that fails in one session because of a bug reaches all others, and that proxy after its reconnect', async () => {
  const { port } = await world.serve({ faults });
  const [first, second] = [world.subscribe(port), world.subscribe(port)];
  await Promise.all([first.subscription.ready, second.subscription.ready]);
  const broken = cluster('d');
  let reads = 0;
  // Each session reads the length before it sends the resource.
  const body = Object.defineProperty(Buffer.from(broken.body), 'length', {
    get: () => {
      if (++reads === 1) throw new Error('a bug');
      return broken.body.length;
    },
  });
  world.cache.apply({ changed: [{ ...broken, body }], removed: [] });
  await until(() => [first, second].every(({ target }) => target.held.has('Cluster|d')), 'the change at both');
  expect(parts).toEqual(['session']);
  expect([first, second].map(({ subscription }) => subscription.state().connects).sort()).toEqual([1, 2]);
});

test('proxies are served although an observer of sessions fails', async () => {
  const throws = (): never => {
    throw new Error('a bug');
  };
  const observer = new OwnSessions({ connected: throws, disconnected: throws, acked: throws, nacked: throws }, throws, faults);
  const { port } = await world.serve({ observer, faults });
  const { subscription, target } = world.subscribe(port);
  await subscription.ready;
  expect(target.held.size).toBe(2);
  world.cache.apply({ changed: [route('r', 'c', 'changed')], removed: [] });
  await until(() => target.changes.length === 3, 'the change');
  expect(subscription.state().connects).toBe(1);
  expect(new Set(parts)).toEqual(new Set(['observer']));
});
