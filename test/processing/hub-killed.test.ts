// A proxy that is killed while messages are published: its clients go on at another proxy without loss, with a real Redis.
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { describeWith } from '../support/describe-with.ts';
import { appAt, OperatedWeir } from '../support/operated-weir.ts';
import { RedisServer } from '../support/redis.ts';
import { until } from '../support/until.ts';
import { hubPolicy } from './hub-clients.ts';

const CLIENTS = 20;
const MESSAGES = 300;

interface Said {
  readonly type: string;
  readonly id: string;
  readonly data: number;
}

/** A client that comes back at the other proxy with the id of its last message. */
class Returner {
  readonly data: number[] = [];
  readonly others: string[] = [];
  returns = 0;
  #last: string | undefined;
  #socket: WebSocket | null = null;

  async open(proxies: readonly OperatedWeir[]): Promise<void> {
    const [proxy, ...next] = proxies;
    const socket = (this.#socket = new WebSocket(`ws://127.0.0.1:${proxy?.port}/room`));
    socket.on('error', () => undefined);
    socket.on('message', (bytes: Buffer) => this.#take(JSON.parse(bytes.toString()) as Said));
    await once(socket, 'open');
    socket.on('close', () => {
      this.returns++;
      if (next.length > 0) void this.open(next);
    });
    socket.send(JSON.stringify({ type: 'subscribe', topic: 'room', after: this.#last }));
    await until(() => this.others.length > this.returns, 'the subscription');
  }

  close(): void {
    this.#socket?.terminate();
  }

  #take({ type, id, data }: Said): void {
    if (type !== 'message') return void this.others.push(type);
    this.data.push(data);
    this.#last = id;
  }
}

describeWith(['redis'], 'a killed proxy', () => {
  let redis: RedisServer;
  let proxies: readonly OperatedWeir[];
  const clients = Array.from({ length: CLIENTS }, () => new Returner());

  beforeAll(async () => {
    redis = await RedisServer.start();
    const objects = [...appAt([1]), hubPolicy({ store: 'Redis', publish: 'true', history: { messages: MESSAGES } })];
    const flags = ['--redis-url', `redis://127.0.0.1:${redis.port}`, '--redis-timeout', '10s', '--workers', '1'];
    proxies = await Promise.all([0, 1].map(() => OperatedWeir.start(objects, ...flags)));
  });

  afterAll(async () => {
    for (const client of clients) client.close();
    await Promise.all([...proxies.map((proxy) => proxy.stop()), redis.stop()]);
  });

  test('costs its clients no message inside the history', async () => {
    const [doomed, survivor] = proxies as [OperatedWeir, OperatedWeir];
    await Promise.all(clients.map((client) => client.open([doomed, survivor])));
    const headers = { 'content-type': 'application/json' };
    let killed: Promise<void> | null = null;
    for (let i = 0; i < MESSAGES; i++) {
      const answer = await fetch(`http://127.0.0.1:${survivor.port}/room`, { method: 'POST', headers, body: String(i) });
      expect([i, answer.status]).toEqual([i, 200]);
      await answer.arrayBuffer();
      // With SIGKILL; its only worker is the same process.
      if (i === MESSAGES / 3) killed = doomed.stop();
    }
    await killed;
    await until(() => clients.every(({ data }) => data.length >= MESSAGES), 'all messages');
    const all = Array.from({ length: MESSAGES }, (_, i) => i);
    for (const { data, others, returns } of clients) {
      expect([returns, data, others]).toEqual([1, all, ['subscribed', 'subscribed']]);
    }
  });
});
