// Streams that end, controllers that restart, proxies that start without a controller.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Resource } from '#api/ir/ir.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { LastGood } from '../../proxy/subscribe/last-good.ts';
import { TestCa } from '../support/certificates.ts';
import { freePorts } from '../support/free-port.ts';
import { until } from '../support/until.ts';
import { LOG } from '../support/push.ts';
import { MemoryTarget, Rig, cluster, endpoints, listener, route, secret, versionsOf } from './rig.ts';

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

const holds = () => until(() => JSON.stringify(target.versions()) === JSON.stringify(versionsOf(rig.cache)), 'the proxy holds the cache');

describe('a proxy that reconnects', () => {
  test('keeps its endpoints while a restarted controller does not know them yet', async () => {
    const unresolved: Resource = { kind: 'Endpoints', key: 'a', endpoints: [], unresolved: true };
    rig.change(cluster('a'), endpoints('a', 1), cluster('new'));
    const { port } = await rig.serve();
    const relay = await rig.relay(port);
    const proxy = await rig.subscribe(relay.port, { target });
    await proxy.ready;
    await relay.close();
    await until(() => !proxy.state().connected, 'the stream ends');
    rig.change(unresolved, { ...unresolved, key: 'new' });
    await relay.listen();
    await until(() => target.serving.has('Endpoints|new'), 'endpoints that the proxy did not have');
    expect(target.serving.get('Endpoints|a')).toEqual(endpoints('a', 1));
    rig.change(endpoints('a', 2));
    await until(() => JSON.stringify(target.serving.get('Endpoints|a')) === JSON.stringify(endpoints('a', 2)), 'the answer');
  });

  test('is sent the difference only, removals last and in reverse', async () => {
    rig.change(cluster('a'), cluster('b'), endpoints('a', 1), endpoints('b', 1), route('r'), ...manyRoutes());
    const { port } = await rig.serve();
    const relay = await rig.relay(port);
    const proxy = await rig.subscribe(relay.port, { target });
    await proxy.ready;
    await relay.close();
    await until(() => !proxy.state().connected, 'the stream ends');
    rig.change(cluster('a', 'http2'));
    rig.remove(...[cluster('b'), endpoints('b', 1), route('r')].map(({ kind, key }) => ({ kind, key })));
    const before = target.steps.length;
    await relay.listen();
    await holds();
    expect(target.steps.slice(before)).toEqual([{ changed: ['Cluster|a'], removed: ['Route|r', 'Cluster|b', 'Endpoints|b'] }]);
  });

  test('after a restart of the controller with the same content gets only `complete`', async () => {
    rig.change(cluster('a'), ...manyRoutes());
    const [port = 0] = await freePorts(1);
    const { server } = await rig.serve({ address: `127.0.0.1:${port}` });
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    const { pushes } = proxy.state();
    const steps = target.steps.length;
    await server.stop();
    await until(() => !proxy.state().connected, 'the stream ends');
    expect(rig.journal.online.size).toBe(0);
    rig.journal.acks.length = 0;
    const again = await rig.serve({ address: `127.0.0.1:${port}` });
    await until(() => again.server.sessions()[0]?.ackedNonce === 1, 'the first ack');
    expect(proxy.state().pushes).toBe(pushes + 1);
    expect(target.steps).toHaveLength(steps);
    // The versions that it serves already count as acked.
    expect(rig.journal.acks).toHaveLength(rig.cache.size);
  });

  test('keeps its resources while a controller has not compiled its first batch', async () => {
    rig.change(cluster('a'));
    const [port = 0] = await freePorts(1);
    const { server } = await rig.serve({ address: `127.0.0.1:${port}` });
    const proxy = await rig.subscribe(port, { target });
    await proxy.ready;
    await server.stop();
    const fresh = new Rig(ca);
    try {
      const again = await fresh.serve({ address: `127.0.0.1:${port}` });
      await until(() => again.server.sessions()[0]?.phase === 'waiting', 'the session waits');
      expect(target.serving.size).toBe(1);
      fresh.change();
      await until(() => target.serving.size === 0, 'the removal');
    } finally {
      await fresh.stop();
    }
  });
});

describe('a proxy that starts without a controller', () => {
  const content = [secret('s', 'k'), endpoints('a', 1), cluster('a'), listener('l', 80), route('r')];
  let folder: string;
  let file: string;
  let tls: IssuedFiles;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'weir-start-'));
    file = path.join(folder, 'last-good');
    tls = await ca.issue('proxy', '');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const lastGood = () => new LastGood({ file, log: LOG });

  /** Runs a proxy until it has its configuration. */
  async function leaveFile(): Promise<void> {
    rig.change(...content);
    const { port, server } = await rig.serve();
    const proxy = await rig.subscribe(port, { lastGood: lastGood(), tls });
    await proxy.ready;
    await proxy.stop();
    await server.stop();
  }

  test('serves the last good configuration, including secrets, and later changes of a controller', async () => {
    await leaveFile();
    const [port = 0] = await freePorts(1);
    const proxy = await rig.subscribe(port, { target, lastGood: lastGood(), tls });
    expect(await proxy.ready).toBe('last-good');
    expect([...target.serving.values()]).toEqual(expect.arrayContaining(content));
    expect(target.serving.size).toBe(content.length);
    expect(target.revision).toBe(proxy.state().revision);
    rig.remove({ kind: 'Route', key: 'r' });
    rig.change(cluster('b'));
    await rig.serve({ address: `127.0.0.1:${port}` });
    await holds();
    expect(target.steps.slice(1)).toEqual([{ changed: ['Cluster|b'], removed: ['Route|r'] }]);
    expect(proxy.state().source).toBe('controller');
  });

  test('is not ready when the file is damaged, and serves once a controller is there', async () => {
    await leaveFile();
    await writeFile(file, 'weir-last-good 1 nonsense');
    const [port = 0] = await freePorts(1);
    const kept = lastGood();
    const proxy = await rig.subscribe(port, { target, lastGood: kept, tls });
    await until(() => kept.counts.failed === 1, 'the file is refused');
    expect(proxy.state()).toMatchObject({ source: 'none', resources: 0 });
    await rig.serve({ address: `127.0.0.1:${port}` });
    expect(await proxy.ready).toBe('controller');
  });

  test('prefers the configuration of a controller', async () => {
    await leaveFile();
    rig.change(cluster('a', 'tcp'));
    const { port } = await rig.serve();
    const proxy = await rig.subscribe(port, { target, lastGood: lastGood(), tls });
    expect(await proxy.ready).toBe('controller');
    expect(target.steps).toHaveLength(1);
  });
});

function manyRoutes() {
  return Array.from({ length: 100 }, (_, n) => route(`many-${n}`));
}
