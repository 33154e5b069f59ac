// Hubs of two proxies with their topics in a real Redis Cluster, one of whose servers is killed.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseRedisUrl } from '#lib/redis.ts';
import { keysOf } from '../../proxy/hub/redis-store.ts';
import { SecurityRig } from '../security/rig.ts';
import { describeWith } from '../support/describe-with.ts';
import { closeAfterEach } from '../support/fixture.ts';
import { status } from '../support/message.ts';
import { startRedisCluster, type RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { HubClient, hubPolicy, posted, publish } from './hub-clients.ts';

const FILES = { userFile: '', passwordFile: '', caFile: '', certificateFile: '', keyFile: '' };
const HUB = { store: 'Redis', publish: 'true', presence: true, history: { messages: 1_000 } };
const SLOTS = 16_384;
const TOPICS = Array.from({ length: 6 }, (_, i) => `topic-${i}`);

describeWith(['redis'], 'hubs of two proxies with a Redis Cluster', () => {
  closeAfterEach();
  let servers: readonly RedisServer[];

  beforeAll(async () => {
    servers = await startRedisCluster(3);
    // The slots of the others stay in use while a master is away.
    for (const each of servers) await each.command('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
  });
  afterAll(async () => {
    await Promise.all(servers.map((each) => each.stop()));
  });

  async function start(): Promise<SecurityRig> {
    const address = parseRedisUrl(`redis+cluster://${servers.map(({ port }) => `127.0.0.1:${port}`).join(',')}`);
    if (!address.ok) throw new Error(address.error);
    const settings = { redis: { address: address.value, ...FILES, timeoutMs: 20_000 } };
    return SecurityRig.start([hubPolicy(HUB)], { matches: [{ path: { value: '/live' } }] }, settings);
  }

  /** The number of the server that has a topic; each has a third of the slots. */
  async function serverOf(topic: string): Promise<number> {
    const slot = Number(await servers[0]?.command('CLUSTER', 'KEYSLOT', keysOf(`default/live ${topic}`).stream));
    return Math.min(servers.length - 1, Math.floor(slot / (SLOTS / servers.length)));
  }

  test('have the same topics in one order, whichever servers have them, and resume', async () => {
    const [one, other] = [await start(), await start()];
    const [first, second] = [await HubClient.open(one), await HubClient.open(other)];
    for (const topic of TOPICS) await Promise.all([first.subscribed(topic), second.subscribed(topic)]);
    expect(new Set(await Promise.all(TOPICS.map(serverOf))).size).toBeGreaterThan(1);
    await Promise.all(TOPICS.flatMap((topic) => [0, 1, 2, 3].map((i) => publish(i % 2 === 0 ? one : other, topic, `${topic} ${i}`))));
    const of = (client: HubClient, topic: string): unknown[] => client.data().filter((data) => String(data).startsWith(`${topic} `));
    await until(() => first.data().length === 4 * TOPICS.length && second.data().length === 4 * TOPICS.length, 'all messages at both');
    for (const topic of TOPICS) expect(of(first, topic)).toEqual(of(second, topic));
    first.say({ type: 'presence', topic: 'topic-0', ref: 1 });
    expect(await first.next('presence', { ref: 1 })).toMatchObject({ count: 2 });
    const { id } = first.got.find(({ type, topic }) => type === 'message' && topic === 'topic-0') ?? {};
    const again = await HubClient.open(other);
    await again.subscribed('topic-0', String(id));
    await until(() => again.data().length === 3, 'the rest of the topic');
    expect(again.data()).toEqual(of(first, 'topic-0').slice(1));
  });

  test('lose no message of the topics of other servers while one server is away', async () => {
    const [one, other] = [await start(), await start()];
    const topics = await Promise.all(TOPICS.map(async (topic) => [topic, await serverOf(topic)] as const));
    const [topic, home] = topics[0] as readonly [string, number];
    const client = await HubClient.open(one);
    await client.subscribed(topic);
    const sent: number[] = [];
    const send = async (count: number): Promise<void> => {
      for (let next = 0; next < count;) {
        const number = sent.length;
        if (status(await other.ask(posted(topic, String(number)))) === 200) {
          sent.push(number);
          next++;
        }
      }
    };
    await send(10);
    // The connection with the subscriptions of a proxy may be to either of the others.
    const away = servers.filter((_, i) => i !== home)[0];
    await away?.kill();
    await send(20);
    await until(() => client.data().length >= sent.length, 'all messages');
    await away?.restart();
    await send(10);
    await until(() => client.data().length >= sent.length, 'the messages after it');
    expect(client.data()).toEqual(sent);
  });
});
