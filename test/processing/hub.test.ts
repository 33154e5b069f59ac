// WebSockets at a hub of topics, from the user's HTTPPolicy to the frames that clients get.
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { closeAfterEach, closeLater } from '../support/fixture.ts';
import { openSession, openStream } from '../support/h2-client.ts';
import { until } from '../support/until.ts';
import { webSocketOn } from '../support/websocket.ts';
import { ALL, HubClient, hubPolicy, publish, startHub } from './hub-clients.ts';

closeAfterEach();

describe('a WebSocket at a hub', () => {
  test('gets the messages of its topics in their order, from HTTP and from other WebSockets', async () => {
    const rig = await startHub();
    const [reader, writer] = [await HubClient.open(rig), await HubClient.open(rig)];
    expect(reader.socket.protocol).toBe('weir.hub.v1');
    await reader.subscribed('orders');
    const first = await publish(rig, 'orders', { total: 1 });
    writer.say({ type: 'publish', topic: 'orders', data: ['✓'], ref: 'r' });
    const second = await writer.next('published', { ref: 'r' });
    writer.say({ type: 'publish', topic: 'others', data: 'not for it' });
    await publish(rig, 'orders', 'three');
    await until(() => reader.data().length === 3, 'three messages');
    expect(reader.got.slice(1)).toEqual([
      { type: 'message', topic: 'orders', id: first, data: { total: 1 } },
      { type: 'message', topic: 'orders', id: second['id'], data: ['✓'] },
      { type: 'message', topic: 'orders', id: expect.any(String), data: 'three' },
    ]);
    expect(rig.upstream.requests).toEqual([]);
  });

  test('gets what it missed after the id that it names', async () => {
    const rig = await startHub();
    const [first] = [await publish(rig, 'a', 1), await publish(rig, 'a', 2), await publish(rig, 'a', 3)];
    const client = await HubClient.open(rig);
    expect(await client.subscribed('a', first)).toEqual({ type: 'subscribed', topic: 'a', last: first });
    await publish(rig, 'a', 4);
    await until(() => client.data().length === 3, 'all messages');
    expect(client.data()).toEqual([2, 3, 4]);
  });

  test('learns of a gap if its place is no longer in the history', async () => {
    const rig = await startHub({ ...ALL, history: { messages: 2 } });
    const ids = [];
    for (let i = 0; i < 5; i++) ids.push(await publish(rig, 'a', i));
    const client = await HubClient.open(rig);
    await client.subscribed('a', ids[0]);
    await client.next('gap', { topic: 'a' });
    await until(() => client.data().length === 2, 'the rest of the history');
    expect(client.data()).toEqual([3, 4]);
    const other = await HubClient.open(rig);
    await other.subscribed('a', ids[2]);
    await until(() => other.data().length === 2, 'the rest of the history');
    expect(other.got.some(({ type }) => type === 'gap')).toBe(false);
  });

  test('over HTTP/2 is the same', async () => {
    const rig = await startHub();
    const session = openSession(rig.proxy.port);
    closeLater(() => session.destroy());
    await once(session, 'remoteSettings');
    const stream = openStream(
      session,
      { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/live', 'sec-websocket-version': '13' },
      false,
    );
    const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(head[':status']).toBe(200);
    const client = new HubClient(webSocketOn(stream));
    await client.subscribed('a');
    await publish(rig, 'a', 7);
    await client.next('message', { data: 7 });
    client.socket.close(1_000);
    expect(await client.closed()).toBe(1_000);
  });

  test('subscribes at once to the topics of its query, and unsubscribes', async () => {
    const rig = await startHub();
    const client = await HubClient.open(rig, '?topic=a&topic=b/c');
    await Promise.all([client.next('subscribed', { topic: 'a' }), client.next('subscribed', { topic: 'b/c' })]);
    client.say({ type: 'unsubscribe', topic: 'a', ref: 1 });
    await client.next('unsubscribed', { ref: 1 });
    await publish(rig, 'a', 1);
    await publish(rig, 'b/c', 2);
    await client.next('message', { topic: 'b/c' });
    expect(client.data()).toEqual([2]);
  });

  test('is told about messages that it may not send, and stays open', async () => {
    const rig = await startHub({ subscribe: 'topic.startsWith("public/")', maxSubscriptions: 1 });
    const client = await HubClient.open(rig);
    for (const bytes of ['{', '[]', '{"type":"sing"}', '{"type":"subscribe","topic":"../x"}']) client.socket.send(bytes);
    client.say({ type: 'subscribe', topic: 'private', ref: 1 });
    client.say({ type: 'publish', topic: 'public/a', data: 1, ref: 2 });
    client.say({ type: 'subscribe', topic: 'public/a' });
    client.say({ type: 'subscribe', topic: 'public/b', ref: 3 });
    client.say({ type: 'presence', topic: 'public/a', ref: 4 });
    client.say({ type: 'ping', ref: 5 });
    await client.next('pong', { ref: 5 });
    const errors = client.got.filter(({ type }) => type === 'error').map(({ code, ref }) => [code, ref]);
    const malformed = ['malformed', undefined];
    expect(errors).toEqual([malformed, malformed, malformed, malformed, ['denied', 1], ['denied', 2], ['too_many', 3], ['denied', 4]]);
  });

  test('sees who is there', async () => {
    const rig = await startHub({ ...ALL, presence: true });
    const [one, other] = [await HubClient.open(rig, '?topic=room'), await HubClient.open(rig, '?topic=room')];
    await Promise.all([one.next('subscribed'), other.next('subscribed')]);
    one.say({ type: 'presence', topic: 'room', ref: 1 });
    expect(await one.next('presence', { ref: 1 })).toMatchObject({ count: 2, names: [] });
    other.socket.close();
    await until(() => other.close !== null, 'the close');
    one.say({ type: 'presence', topic: 'room', ref: 2 });
    expect(await one.next('presence', { ref: 2 })).toMatchObject({ count: 1 });
  });

  test('is told which members come and go, if it asks for that', async () => {
    const rig = await startHub({ ...ALL, presence: true });
    const [one, quiet] = [await HubClient.open(rig), await HubClient.open(rig, '?topic=room')];
    await quiet.next('subscribed');
    one.say({ type: 'subscribe', topic: 'room', presence: true });
    await one.next('subscribed');
    const other = await HubClient.open(rig, '?topic=room');
    const joined = await one.next('joined', { topic: 'room', name: '' });
    await publish(rig, 'room', 1);
    other.socket.close();
    await one.next('left', { member: joined['member'] });
    await Promise.all([one.next('message'), quiet.next('message')]);
    expect(quiet.got.map(({ type }) => type)).toEqual(['subscribed', 'message']);
    // Nothing about itself, and nothing once it has unsubscribed.
    expect(one.got.filter(({ type }) => type === 'joined')).toHaveLength(1);
    one.say({ type: 'unsubscribe', topic: 'room' });
    await one.next('unsubscribed');
    const last = await HubClient.open(rig, '?topic=room');
    await last.next('subscribed');
    one.say({ type: 'ping' });
    await one.next('pong');
    expect(one.got.filter(({ type }) => type === 'joined')).toHaveLength(1);
  });

  test('is not told about members of a hub without presence, nor by another name', async () => {
    const rig = await startHub();
    const client = await HubClient.open(rig);
    client.say({ type: 'subscribe', topic: 'room', presence: true, ref: 1 });
    expect(await client.next('error', { ref: 1 })).toMatchObject({ code: 'denied' });
    client.say({ type: 'subscribe', topic: 'room members', ref: 2 });
    expect(await client.next('error', { ref: 2 })).toMatchObject({ code: 'malformed' });
    client.say({ type: 'subscribe', topic: 'room', presence: 1, ref: 3 });
    expect(await client.next('error', { ref: 3 })).toMatchObject({ code: 'malformed' });
  });

  test('that does not read is closed with 1013, and others lose nothing', async () => {
    const rig = await startHub({ ...ALL, maxQueueSize: '64Ki' });
    const [lazy, diligent] = [await HubClient.open(rig, '?topic=a'), await HubClient.open(rig, '?topic=a')];
    await Promise.all([lazy.next('subscribed'), diligent.next('subscribed')]);
    lazy.socket.pause();
    const text = 'x'.repeat(60_000);
    let sent = 0;
    const metrics = async (): Promise<string> => rig.proxy.worker.registry.metrics();
    while (!/weir_hub_slow_clients_total\{hub="default\/live"\} 1/.test(await metrics())) {
      await publish(rig, 'a', [sent++, text]);
    }
    lazy.socket.resume();
    await until(() => lazy.close !== null, 'the close');
    expect(lazy.close).toEqual([1_013, 'The client reads more slowly than its topics have messages']);
    await until(() => diligent.data().length === sent, 'all messages');
    expect(diligent.data().map((data) => (data as [number])[0])).toEqual(Array.from({ length: sent }, (_, i) => i));
  });

  test('that answers no ping ends', async () => {
    const rig = await startHub({ ...ALL, heartbeat: '100ms' });
    const client = await HubClient.open(rig, '', { autoPong: false });
    expect(await client.closed()).toBe(1_001);
  });

  test('ends when the settings of its hub change', async () => {
    const rig = await startHub();
    const client = await HubClient.open(rig);
    await rig.change([hubPolicy({ publish: 'false' })]);
    expect(await client.closed()).toBe(1_001);
  });
});
