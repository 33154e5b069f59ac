// Hubs of several proxies with their topics in a real Redis.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseRedisUrl } from '#lib/redis.ts';
import { keysOf } from '../../proxy/hub/redis-store.ts';
import { SecurityRig } from '../security/rig.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { HubClient, hubPolicy, posted, publish } from './hub-clients.ts';

closeAfterEach();

const FILES = { userFile: '', passwordFile: '', caFile: '', certificateFile: '', keyFile: '' };
const HUB = { store: 'Redis', publish: 'true', presence: true, history: { messages: 1_000 } };

describeWith(['redis'], 'hubs of two proxies with Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());

  async function start(): Promise<SecurityRig> {
    const address = parseRedisUrl(`redis://127.0.0.1:${redis.port}`);
    if (!address.ok) throw new Error(address.error);
    const settings = { redis: { address: address.value, ...FILES, timeoutMs: 20_000 } };
    return SecurityRig.start([hubPolicy(HUB)], { matches: [{ path: { value: '/live' } }] }, settings);
  }

  test('have the same topics, in one order for all', async () => {
    const [one, other] = [await start(), await start()];
    const [first, second] = [await HubClient.open(one), await HubClient.open(other)];
    await Promise.all([first.subscribed('a'), second.subscribed('a')]);
    await Promise.all(Array.from({ length: 20 }, (_, i) => publish(i % 2 === 0 ? one : other, 'a', i)));
    await until(() => first.data().length === 20 && second.data().length === 20, 'all messages at both');
    expect(first.data()).toEqual(second.data());
    first.say({ type: 'presence', topic: 'a', ref: 1 });
    expect(await first.next('presence', { ref: 1 })).toMatchObject({ count: 2 });
  });

  test('read a message whose news was lost before a newer one passes', async () => {
    const rig = await start();
    const client = await HubClient.open(rig);
    await client.subscribed('lossy');
    await publish(rig, 'lossy', 1);
    // In a Cluster news are lost while a subscription moves.
    await redis.command('XADD', keysOf('default/live lossy').stream, '*', 'd', '2');
    for (const number of [3, 4]) await publish(rig, 'lossy', number);
    await until(() => client.data().length === 4, 'all messages');
    expect(client.data()).toEqual([1, 2, 3, 4]);
  });

  test('tell one another which members come and go', async () => {
    const [one, other] = [await start(), await start()];
    const watcher = await HubClient.open(one);
    watcher.say({ type: 'subscribe', topic: 'room', presence: true });
    await watcher.next('subscribed');
    const guest = await HubClient.open(other, '?topic=room');
    const { member } = await watcher.next('joined');
    guest.socket.close();
    await watcher.next('left', { member });
    // A member of a proxy that was killed: its time is over.
    await redis.command('ZADD', keysOf('default/live room').members, '1', '["lost-id","lost"]');
    await HubClient.open(other, '?topic=room');
    await watcher.next('left', { member: 'lost-id', name: 'lost' });
  });

  test('clients of a proxy that ends resume at another without loss', async () => {
    const [one, other] = [await start(), await start()];
    const client = await HubClient.open(one);
    await client.subscribed('b');
    for (let i = 0; i < 10; i++) await publish(other, 'b', i);
    await until(() => client.data().length > 3, 'some messages');
    await one.proxy.close();
    await client.closed();
    for (let i = 10; i < 20; i++) await publish(other, 'b', i);
    const last = client.got.filter(({ type }) => type === 'message').at(-1)?.['id'] as string;
    const again = await HubClient.open(other);
    await again.subscribed('b', last);
    const all = (): unknown[] => [...client.data(), ...again.data()];
    await until(() => all().length === 20, 'all messages');
    expect(all()).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(again.got.some(({ type }) => type === 'gap')).toBe(false);
  });

  test('lose nothing when Redis cuts their connections', async () => {
    const [one, other] = [await start(), await start()];
    const client = await HubClient.open(one);
    await client.subscribed('c');
    let sent = 0;
    const more = async (): Promise<void> => {
      for (let i = 0; i < 5; i++) {
        const answer = await other.ask(posted('c', String(sent)));
        if (status(answer) === 200) sent++;
      }
    };
    await more();
    await redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await more();
    await until(() => client.data().length === sent, 'all messages');
    expect(client.data()).toEqual(Array.from({ length: sent }, (_, i) => i));
  });

  test('tell that a topic is not available while Redis is away', async () => {
    const rig = await start();
    const client = await HubClient.open(rig);
    await client.subscribed('d');
    await redis.kill();
    client.say({ type: 'publish', topic: 'd', data: 1, ref: 1 });
    expect(await client.next('error', { ref: 1 })).toMatchObject({ code: 'unavailable' });
    expect(status(await rig.ask(posted('d', '1')))).toBe(503);
    await redis.restart();
    const again = async (): Promise<void> => {
      while (status(await rig.ask(posted('d', '2'))) !== 200) await new Promise(setImmediate);
    };
    await again();
    await client.next('message', { data: 2 });
  });
});
