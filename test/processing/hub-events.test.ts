// Event streams of a hub of topics.
import { describe, expect, test } from '@jest/globals';
import type { SecurityRig } from '../security/rig.ts';
import { closeAfterEach, openClient } from '../support/fixture.ts';
import { until } from '../support/until.ts';
import { ALL, EventReader, publish, startHub } from './hub-clients.ts';

closeAfterEach();

describe('an event stream of a hub', () => {
  const read = async (rig: SecurityRig, target: string, headers = ''): Promise<EventReader> => {
    const client = await openClient(rig.proxy.port);
    client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
    return new EventReader(client);
  };

  test('has every message, and goes on after Last-Event-ID', async () => {
    const rig = await startHub();
    const first = await read(rig, '/live/a');
    await first.next('open');
    const id = await publish(rig, 'a', 1);
    expect(await first.next('message')).toEqual({ event: 'message', id, data: `{"type":"message","topic":"a","id":"${id}","data":1}` });
    await publish(rig, 'a', 2);
    const second = await read(rig, '/live/a', `Last-Event-ID: ${id}\r\n`);
    expect((await second.next('message')).data).toContain('"data":2');
    expect(second.head).toMatch(/content-type: text\/event-stream/);
  });

  test('tells which members come and go, if the hub has presence', async () => {
    const rig = await startHub({ ...ALL, presence: true });
    const [watcher, other] = [await read(rig, '/live/a?presence=true'), await read(rig, '/live/a')];
    await Promise.all([watcher.next('open'), other.next('open')]);
    const joined = await watcher.next('joined');
    expect(joined).toEqual({
      event: 'joined',
      id: '',
      data: expect.stringMatching(/^\{"type":"joined","member":"[-0-9a-f]{36}","name":"","topic":"a"\}$/),
    });
    other.leave();
    expect((await watcher.next('left')).data).toBe(joined.data.replace('joined', 'left'));
    expect(other.events.map(({ event }) => event)).toEqual(['open']);
    const refused = await read(await startHub(), '/live/a?presence=true');
    await until(() => refused.head.startsWith('HTTP/1.1 400'), 'the refusal');
  });

  test('of several topics resumes in each', async () => {
    const rig = await startHub();
    const first = await read(rig, '/live?topic=a&topic=b');
    await first.next('open');
    await publish(rig, 'a', 1);
    await publish(rig, 'b', 2);
    await until(() => first.events.filter(({ event }) => event === 'message').length === 2, 'both messages');
    const place = first.events.at(-1)?.id ?? '';
    await publish(rig, 'b', 3);
    await publish(rig, 'a', 4);
    const second = await read(rig, '/live?topic=a&topic=b', `Last-Event-ID: ${place}\r\n`);
    await until(() => second.events.filter(({ event }) => event === 'message').length === 2, 'both messages');
    expect(
      second.events
        .filter(({ event }) => event === 'message')
        .map(({ data }) => (JSON.parse(data) as { data: number }).data)
        .sort(),
    ).toEqual([3, 4]);
    expect(second.events.some(({ event }) => event === 'gap')).toBe(false);
  });

  test('tells of a gap, and has signs of life', async () => {
    const rig = await startHub({ ...ALL, heartbeat: '50ms' });
    const stream = await read(rig, '/live/a', 'Last-Event-ID: 1-1\r\n');
    await stream.next('gap');
    await until(() => stream.comments > 3, 'signs of life');
  });

  test('ends when its proxy drains', async () => {
    const rig = await startHub();
    const stream = await read(rig, '/live/a');
    await stream.next('open');
    const stopped = rig.proxy.worker.stop(60_000);
    await until(() => stream.ended, 'the end');
    stream.end();
    await stopped;
  });
});
