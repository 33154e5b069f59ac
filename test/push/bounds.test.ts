// The cost limits of the push protocol, and correctness when pushes are split, merged or refused.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { EncodedResource } from '#api/ir/ir.ts';
import { sizeOf } from '#api/wire/encode.ts';
import type { ResourceName } from '#api/wire/encode.ts';
import { FAST_TIMES, PushWorld, RecordingTarget, cluster, route, secret } from '../support/push.ts';
import { until } from '../support/until.ts';

let world: PushWorld;

beforeEach(() => {
  world = new PushWorld();
});

afterEach(() => world.close());

function apply(changed: readonly EncodedResource[], removed: readonly ResourceName[] = []): void {
  world.cache.apply({ changed, removed });
}

test('a change of one resource among thousands sends that resource, in at most twice its bytes', async () => {
  const many = Array.from({ length: 2_000 }, (_, i) => route(`r${i}`, 'c'));
  apply([cluster('c'), ...many]);
  const { port } = await world.serve();
  const { relay, port: front } = await world.relay(port);
  const { subscription, target } = world.subscribe(front);
  await subscription.ready;
  await until(() => world.observer.told.filter((line) => line.startsWith('acked')).length === 2_001);
  const [before, steps] = [relay.down, target.steps.length];
  const changed = route('r7', 'c', 'changed');
  apply([changed]);
  await until(() => world.observer.told.at(-1) === `acked Route|r7 ${changed.version}`);
  expect(target.steps.slice(steps)).toEqual([{ changed: ['Route|r7'], removed: [] }]);
  expect(relay.down - before).toBeGreaterThan(changed.body.length);
  expect(relay.down - before).toBeLessThanOrEqual(2 * sizeOf(changed));
});

test('make before break holds where every push carries one resource', async () => {
  apply([route('r', 'c'), secret('s', 'k'), cluster('c')]);
  const { port } = await world.serve({ limits: { step: { bytes: 1, resources: 1 }, inFlight: 3 } });
  const { subscription, target } = world.subscribe(port);
  await subscription.ready;
  expect(target.steps.map(({ changed }) => changed)).toEqual([['Secret|s'], ['Cluster|c'], ['Route|r']]);
  apply([route('r', 'd'), cluster('d')], [{ kind: 'Cluster', key: 'c' }]);
  await until(() => target.removals.length === 1);
  expect(target.steps.slice(3)).toEqual([
    { changed: ['Cluster|d'], removed: [] },
    { changed: ['Route|r'], removed: [] },
    { changed: [], removed: ['Cluster|c'] },
  ]);
});

describe('refusals', () => {
  test('of a whole push are acked, however long their reasons are', async () => {
    apply([]);
    const { server, port } = await world.serve();
    const text = '界'.repeat(300);
    const target = new RecordingTarget();
    target.apply = (changed) =>
      Promise.resolve(changed.flatMap(({ kind, key }) => Array.from({ length: 4 }, () => ({ kind, key, field: text, reason: text }))));
    const { subscription } = world.subscribe(port, {}, target);
    await subscription.ready;
    apply(Array.from({ length: 1_000 }, (_, i) => cluster(`c${i}`)));
    await until(() => server.sessions()[0]?.nacks.length === 1_000);
    expect(subscription.state().connects).toBe(1);
  });

  test('are repeated when the version in between was merged away', async () => {
    apply([cluster('c')]);
    const { server, port } = await world.serve({ limits: { step: { bytes: 1e6, resources: 100 }, inFlight: 1 } });
    const target = new RecordingTarget();
    target.refuse = (resource) => (resource.kind === 'Route' && resource.ruleName === 'bad' ? 'is bad' : null);
    const { subscription } = world.subscribe(port, {}, target);
    await subscription.ready;
    const bad = route('r', 'c', 'bad');
    const nacks = (): number => world.observer.told.filter((line) => line.startsWith(`nacked Route|r ${bad.version}`)).length;
    apply([bad]);
    await until(() => nacks() === 1);
    const { promise, resolve } = Promise.withResolvers<void>();
    target.gate = () => promise;
    // The proxy is busy with this push, so the next two changes merge into none.
    apply([cluster('busy')]);
    apply([route('r', 'c', 'good')]);
    apply([bad]);
    expect(nacks()).toBe(2);
    resolve();
    await until(() => server.sessions()[0]?.ackedNonce === 3);
    expect(server.sessions()[0]?.nacks).toMatchObject([{ kind: 'Route', key: 'r', version: bad.version, serves: null }]);
  });

  test('of removed resources are forgotten', async () => {
    apply([cluster('c')]);
    const { server, port } = await world.serve();
    const target = new RecordingTarget();
    target.refuse = (resource) => (resource.kind === 'Route' ? 'is refused' : null);
    const { subscription } = world.subscribe(port, {}, target);
    await subscription.ready;
    // Both pushes are under way before the first is acked.
    apply([route('r', 'c')]);
    apply([], [{ kind: 'Route', key: 'r' }]);
    await until(() => server.sessions()[0]?.ackedNonce === 3);
    expect(server.sessions()[0]?.nacks).toEqual([]);
    expect(world.observer.told.filter((line) => line.startsWith('nacked'))).toEqual([]);
  });
});

test('a stream that went silent is replaced by the proxy and given up by the controller', async () => {
  apply([cluster('c')]);
  const keepalive = { every: 1_000, timeout: 200 };
  const { port } = await world.serve({ keepalive });
  const { relay, port: front } = await world.relay(port);
  const { subscription, target } = world.subscribe(front, { times: { ...FAST_TIMES, keepalive } });
  await subscription.ready;
  relay.freeze();
  apply([cluster('missed')]);
  await until(() => world.observer.told.includes('disconnected'));
  relay.thaw();
  await until(() => target.held.has('Cluster|missed'));
  expect(relay.accepted).toBeGreaterThan(1);
});
