// Endpoints from a real NATS server, through `weir up`. The instances use the official client.
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Backend } from '../support/backend.ts';
import { describeWith } from '../support/describe-with.ts';
import { buildGoTool } from '../support/go-tool.ts';
import { DiscoveringWeir, secret } from './discovering.ts';
import { NATS, NatsPeer, NatsServer } from './nats-server.ts';

const open: { stop(): Promise<void> }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});

async function startNats(...options: Parameters<typeof NatsServer.start>): Promise<{ nats: NatsServer; apps: NatsPeer }> {
  const nats = await NatsServer.start(...options);
  open.push(nats);
  const apps = await NatsPeer.start(nats);
  open.push(apps);
  return { nats, apps };
}

async function startWeir(...args: Parameters<typeof DiscoveringWeir.start>): Promise<DiscoveringWeir> {
  const weir = await DiscoveringWeir.start(...args);
  open.push(weir);
  return weir;
}

function offer(apps: NatsPeer, { name: id, port }: Backend): Promise<void> {
  return apps.run({ do: 'offer', id, name: 'orders', metadata: { address: '127.0.0.1', port: String(port) } });
}

function put(apps: NatsPeer, { name, port }: Backend): Promise<void> {
  return apps.put('instances', `orders.${name}`, { address: '127.0.0.1', port });
}

const BUCKET = { bucket: { name: 'instances', keys: 'orders.*' } };
const SERVICE = { service: { name: 'orders' } };

function source({ url }: NatsServer, more: object): object {
  return { nats: { servers: [url], ...more } };
}

describeWith(['go'], 'endpoints from NATS', () => {
  beforeAll(() => buildGoTool(NATS), 600_000);

  test('are the instances of a service', async () => {
    const { nats, apps } = await startNats();
    const weir = await startWeir(source(nats, SERVICE));
    const [a, b] = [await weir.backend('a'), await weir.backend('b')];
    await offer(apps, a);
    await weir.settled([a.port]);
    await offer(apps, b);
    await weir.settled([a.port, b.port]);
    await weir.answers('a', 'b');
  });

  test('are the instances in a bucket', async () => {
    const { nats, apps } = await startNats();
    await apps.run({ do: 'create', bucket: 'instances' });
    const weir = await startWeir(source(nats, BUCKET));
    const [a, b] = [await weir.backend('a'), await weir.backend('b')];
    await put(apps, a);
    await put(apps, b);
    await weir.settled([a.port, b.port]);
    await weir.answers('a', 'b');
    await apps.run({ do: 'delete', bucket: 'instances', key: 'orders.a' });
    await weir.settled([b.port]);
    await weir.answers('b');
  });

  test('lose no request while instances come and go', async () => {
    const { nats, apps } = await startNats();
    await apps.run({ do: 'create', bucket: 'instances' });
    const weir = await startWeir(source(nats, BUCKET));
    const stays = await weir.backend('stays');
    await put(apps, stays);
    await weir.settled([stays.port]);
    await weir.answers('stays');
    const { failures, requests } = await weir.traffic(async () => {
      for (let i = 0; i < 8; i++) {
        const next = await weir.backend(`n${i}`);
        await put(apps, next);
        await weir.settled([stays.port, next.port]);
        await apps.run({ do: 'delete', bucket: 'instances', key: `orders.n${i}` });
        await weir.settled([stays.port]);
      }
    });
    expect(failures).toEqual([]);
    expect(requests).toBeGreaterThan(50);
  });

  test.each([
    ['a service', SERVICE],
    ['a bucket', BUCKET],
  ])('of %s stay in use while the server is dead, and follow it again afterwards', async (_, question) => {
    const { nats, apps } = await startNats();
    await apps.run({ do: 'create', bucket: 'instances' });
    const weir = await startWeir(source(nats, question));
    const [a, b] = [await weir.backend('a'), await weir.backend('b')];
    const add = (backend: Backend) => (question === SERVICE ? offer(apps, backend) : put(apps, backend));
    await add(a);
    await weir.settled([a.port]);
    await weir.answers('a');
    const { failures } = await weir.traffic(async () => {
      await nats.kill();
      await weir.settled([a.port], 'LookupFailed');
      expect(await weir.isReady()).toBe(true);
      await nats.resume();
      await weir.settled([a.port]);
      await add(b);
      await weir.settled([a.port, b.port]);
    });
    expect(failures).toEqual([]);
  });

  test('are served once the server is there, and delay nothing before', async () => {
    const { nats, apps } = await startNats();
    await nats.kill();
    const weir = await startWeir(source(nats, SERVICE));
    expect(await weir.isReady()).toBe(true);
    await weir.answers('503');
    await nats.resume();
    const a = await weir.backend('a');
    await offer(apps, a);
    await weir.settled([a.port]);
    await weir.answers('a');
  });

  test('need the credentials of a Secret, which may change while requests run', async () => {
    const users = 'authorization { users: [{user: one, password: "first"}, {user: two, password: "second"}, {user: app, password: ""}] }';
    const nats = await NatsServer.start({ config: `${users}\nno_auth_user: app` });
    open.push(nats);
    const apps = await NatsPeer.start(nats);
    open.push(apps);
    const held = (username: string, password: string) => [secret('nats', { username, password })];
    const weir = await startWeir(source(nats, { ...SERVICE, credentialsRef: { name: 'nats' } }), held('one', 'first'));
    const a = await weir.backend('a');
    await offer(apps, a);
    await weir.settled([a.port]);
    await weir.answers('a');
    const { failures } = await weir.traffic(async () => {
      weir.change({ others: held('one', 'wrong') });
      await weir.settled([a.port], 'AccessDenied');
      weir.change({ others: held('two', 'second') });
      await weir.settled([a.port]);
      weir.change({ others: [secret('nats', { password: 'second' })] });
      await weir.settled([a.port], 'InvalidSecret');
    });
    expect(failures).toEqual([]);
    expect((await weir.lookup()).trouble?.message).toBe('Secret nats has none of these entries: creds; nkey; token; username and password');
    expect(weir.log).not.toContain('first');
  });

  test('stay in use if the bucket is deleted, or the values are not usable', async () => {
    const { nats, apps } = await startNats();
    await apps.run({ do: 'create', bucket: 'instances' });
    const weir = await startWeir(source(nats, BUCKET));
    const a = await weir.backend('a');
    await put(apps, a);
    await apps.put('instances', 'orders.bad', { address: 'db.example.com', port: 1 });
    await weir.settled([a.port], 'InvalidInstances');
    expect((await weir.lookup()).trouble?.message).toBe('instance orders.bad has no IP address; such instances are not used');
    weir.change({ source: source(nats, { bucket: { name: 'missing' } }) });
    await weir.settled([a.port], 'LookupFailed');
    expect((await weir.lookup()).trouble?.message).toBe(`${nats.url} answers: stream not found`);
    await weir.answers('a');
  });
});
