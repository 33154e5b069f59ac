// The pushes to a connected proxy: content, order, and handling of nacks.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import * as ir from '#api/ir/ir.ts';
import { SESSION_LIMITS } from '../../controller/push/session.ts';
import { TestCa } from '../support/certificates.ts';
import { until } from '../support/until.ts';
import { MemoryTarget, Rig, cluster, endpoints, invalidCluster, listener, route, secret, versionsOf } from './rig.ts';

let ca: TestCa;
let rig: Rig;
let target: MemoryTarget;
beforeAll(async () => {
  ca = await TestCa.create();
});
afterAll(() => ca.remove());
beforeEach(() => {
  rig = new Rig(ca);
  target = new MemoryTarget();
});
afterEach(() => rig.stop());

const holds = (one: MemoryTarget = target) =>
  until(() => JSON.stringify(one.versions()) === JSON.stringify(versionsOf(rig.cache)), 'the proxy holds what the cache holds');

describe('a connected proxy', () => {
  test('gets all resources, referenced ones first, and is ready then', async () => {
    rig.change(route('r'), listener('l', 80), cluster('c'), endpoints('c', 1), secret('s', 'k'));
    const { port, server } = await rig.serve();
    const proxy = await rig.subscribe(port, { target });
    expect(await proxy.ready).toBe('controller');
    expect(target.steps).toEqual([{ changed: ['Secret|s', 'Endpoints|c', 'Cluster|c', 'Listener|l', 'Route|r'], removed: [] }]);
    expect(target.revision).toMatch(/^(?!0{16})[0-9a-f]{16}$/);
    expect(target.revision).toBe(proxy.state().revision);
    await until(() => rig.journal.acks.length === 5, 'five acks');
    expect(server.sessions()).toMatchObject([
      { nodeId: 'proxy', identity: 'spiffe://weir/proxy', phase: 'live', resources: 5, sentNonce: 1, ackedNonce: 1, nacks: [] },
    ]);
  });

  test('gets nothing before the first batch is compiled, then `complete`', async () => {
    const { port, server } = await rig.serve();
    const proxy = await rig.subscribe(port, { target });
    await until(() => server.sessions()[0]?.phase === 'waiting', 'the session waits');
    expect(proxy.state()).toMatchObject({ connected: true, source: 'none', pushes: 0 });
    rig.change();
    expect(await proxy.ready).toBe('controller');
    expect(target.steps).toEqual([]);
  });

  test('gets only the changed resource, in at most twice its bytes', async () => {
    rig.change(...Array.from({ length: 500 }, (_, n) => route(`r${n}`)));
    const { port } = await rig.serve();
    const relay = await rig.relay(port);
    const proxy = await rig.subscribe(relay.port, { target });
    await proxy.ready;
    await until(() => rig.journal.acks.length === 500, 'every ack');
    const before = relay.down;
    rig.change(route('r7', 'changed'));
    await holds();
    await until(() => rig.journal.acks.length === 501, 'the ack');
    expect(target.steps.at(-1)).toEqual({ changed: ['Route|r7'], removed: [] });
    expect(relay.down - before).toBeLessThanOrEqual(2 * ir.encodeResource(route('r7', 'changed')).body.length);
  });

  test('removes resources in reverse order, after all changes', async () => {
    rig.change(route('r'), listener('l', 80), cluster('c'), endpoints('c', 1));
    const { port } = await rig.serve();
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    const names = [cluster('c'), endpoints('c', 1), route('r')].map(({ kind, key }) => ({ kind, key }));
    rig.cache.apply({ changed: [ir.encodeResource(cluster('d'))], removed: names });
    await holds();
    expect(target.steps.at(-1)).toEqual({ changed: ['Cluster|d'], removed: ['Route|r', 'Cluster|c', 'Endpoints|c'] });
  });

  test('gets a large state in several pushes that keep the order', async () => {
    const kinds = [route, cluster].flatMap((make) => Array.from({ length: 30 }, (_, n) => make(`${n}`)));
    rig.change(...kinds, ...Array.from({ length: 30 }, (_, n) => endpoints(`${n}`, n + 1)));
    const { port } = await rig.serve({ limits: { inFlight: 2, step: { bytes: 100_000, resources: 7 } } });
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    await holds();
    expect(target.steps.length).toBe(13);
    const order = target.steps.flatMap(({ changed }) => changed.map((id) => id.split('|')[0]));
    expect(order).toEqual([
      ...Array<string>(30).fill('Endpoints'),
      ...Array<string>(30).fill('Cluster'),
      ...Array<string>(30).fill('Route'),
    ]);
  });

  test('that is slow gets the latest version of each resource only', async () => {
    const { port, server } = await rig.serve({ limits: { ...SESSION_LIMITS, inFlight: 1 } });
    rig.change();
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    await until(() => server.sessions()[0]?.ackedNonce === 1, 'the window is open');
    const slow = Promise.withResolvers<void>();
    target.gate = slow.promise;
    rig.change(endpoints('a', 1));
    for (let n = 2; n <= 50; n++) rig.change(endpoints('a', n), endpoints('b', n));
    rig.change(cluster('gone'));
    rig.remove({ kind: 'Cluster', key: 'gone' });
    expect(server.sessions()).toMatchObject([{ waiting: 2 }]);
    slow.resolve();
    await holds();
    expect(target.steps).toEqual([
      { changed: ['Endpoints|a'], removed: [] },
      { changed: ['Endpoints|a', 'Endpoints|b'], removed: [] },
    ]);
  });

  test('is independent of another proxy: both hold all resources, and one that is stuck does not delay the other', async () => {
    rig.change(cluster('a'));
    const { port } = await rig.serve();
    const other = new MemoryTarget();
    const proxies = [await rig.subscribe(port, { target }), await rig.subscribe(port, { target: other })];
    await Promise.all(proxies.map((proxy) => proxy.ready));
    const stuck = Promise.withResolvers<void>();
    other.gate = stuck.promise;
    rig.change(cluster('b'));
    await holds(target);
    expect(other.serving.size).toBe(1);
    stuck.resolve();
    await holds(other);
  });
});

describe('a resource that a proxy refuses', () => {
  test('is nacked with its field while the rest of its push is served, and acked once it is valid', async () => {
    rig.change(cluster('a', 'http2'), cluster('b'));
    const { port, server } = await rig.serve();
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    rig.cache.apply({ changed: [invalidCluster('a'), ir.encodeResource(cluster('b', 'tcp'))], removed: [] });
    await until(() => rig.journal.nacks.size === 1, 'the nack');
    const errors = [{ field: 'protocol', reason: 'must be one of http1, http2, tcp, udp' }];
    expect(rig.journal.nacks.get('Cluster|a')).toEqual(errors);
    expect(target.serving.get('Cluster|b')).toEqual(cluster('b', 'tcp'));
    expect(target.serving.get('Cluster|a')).toEqual(cluster('a', 'http2'));
    expect(server.sessions()[0]?.nacks).toEqual([
      { kind: 'Cluster', key: 'a', version: invalidCluster('a').version, errors, serves: ir.encodeResource(cluster('a', 'http2')).version },
    ]);
    rig.change(cluster('a', 'udp'));
    await until(() => rig.journal.nacks.size === 0, 'no nack');
    expect(server.sessions()[0]?.nacks).toEqual([]);
    await holds();
  });

  test('because the target cannot serve it keeps the previous version in use', async () => {
    rig.change(listener('l', 80));
    const { port } = await rig.serve();
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    target.refuse = (resource) => (resource as ir.Listener).port === 81;
    rig.change(listener('l', 81));
    await until(() => rig.journal.nacks.size === 1, 'the nack');
    await until(() => JSON.stringify(target.serving.get('Listener|l')) === JSON.stringify(listener('l', 80)), 'the version before');
    expect(proxy.resources()).toEqual([listener('l', 80)]);
  });

  test('for a port that the proxy tries again is acked once the port is bound, without a push', async () => {
    rig.change(listener('l', 80));
    target.waits = true;
    target.refuse = (resource) => resource.kind === 'Listener' && resource.port === 81;
    const { port } = await rig.serve();
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    rig.change(listener('l', 81));
    await until(() => rig.journal.nacks.has('Listener|l'), 'the nack');
    // With the previous version the proxy would stop trying the port.
    expect(target.versions()).toEqual(versionsOf(rig.cache));
    target.refuse = () => false;
    target.recovered();
    const [version] = Object.values(versionsOf(rig.cache));
    await until(() => rig.journal.acks.includes(`Listener|l@${version}`), 'the ack');
    expect(rig.journal.nacks.size).toBe(0);
    expect(proxy.state()).toMatchObject({ refused: 0, connects: 2 });
  });

  test('without a previous version is tried again when resources that it may need change', async () => {
    const { port } = await rig.serve();
    target.refuse = (resource) => resource.kind === 'Listener' && !target.serving.has('Secret|s');
    rig.change(listener('l', 443));
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    await until(() => rig.journal.nacks.has('Listener|l'), 'the nack');
    rig.change(route('r'));
    await until(() => target.serving.has('Route|r'), 'the route');
    expect(target.steps.at(-1)?.changed).toEqual(['Route|r']);
    rig.change(secret('s', 'k'));
    await until(() => rig.journal.nacks.size === 0, 'the ack');
    expect(proxy.state()).toMatchObject({ refused: 0, resources: 3 });
  });

  test('larger than a message is nacked by the controller itself', async () => {
    rig.change(cluster('small'), cluster('c'.repeat(17 * 1024 * 1024)));
    const { port, server } = await rig.serve();
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    expect([...target.serving.keys()]).toEqual(['Cluster|small']);
    expect([...rig.journal.nacks.values()]).toEqual([[{ field: '', reason: expect.stringContaining('bytes') }]]);
    rig.remove({ kind: 'Cluster', key: 'c'.repeat(17 * 1024 * 1024) });
    expect(server.sessions()[0]?.nacks).toEqual([]);
  });

  test('does not end the stream when the target throws', async () => {
    const { port } = await rig.serve();
    target.refuse = () => {
      throw new Error('a bug');
    };
    rig.change(cluster('a'));
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    await until(() => rig.journal.nacks.size === 1, 'the nack');
    target.refuse = () => false;
    rig.change(cluster('b'));
    await until(() => rig.journal.nacks.size === 0, 'both are served');
    await holds();
  });
});
