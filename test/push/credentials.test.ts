// Authentication of subscribers: real certificates, valid and invalid, and peers that do not speak the protocol.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { copyFile, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { ChannelCredentials, makeClientConstructor, status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';
import { connectDiscovery } from '#api/wire/discovery.ts';
import type { ProxyMessage } from '#api/wire/messages.ts';
import { TestCa } from '../support/certificates.ts';
import type { IssuedFiles } from '../support/certificates.ts';
import { PushWorld, cluster } from '../support/push.ts';
import { until } from '../support/until.ts';

let ca: TestCa;
let stranger: TestCa;
let controller: IssuedFiles;
let proxy: IssuedFiles;
let world: PushWorld;

beforeAll(async () => {
  [ca, stranger] = await Promise.all([TestCa.create(), TestCa.create()]);
  controller = await ca.issue('controller', 'IP:127.0.0.1');
  proxy = await ca.issue('proxy-a', 'URI:spiffe://weir/proxy-a');
});

afterAll(() => Promise.all([ca.remove(), stranger.remove()]));

beforeEach(() => {
  world = new PushWorld();
  world.cache.apply({ changed: [cluster('c')], removed: [] });
});

afterEach(() => world.close());

/** Sends these messages over plain text; resolves to the end of the stream. */
async function say(port: number, ...messages: readonly ProxyMessage[]): Promise<StatusObject> {
  const client = connectDiscovery(`127.0.0.1:${port}`, ChannelCredentials.createInsecure(), {});
  const stream = client.subscribe();
  const ended = new Promise<StatusObject>((resolve) => stream.on('status', resolve));
  stream.on('error', () => undefined);
  stream.on('data', () => undefined);
  for (const message of messages) stream.write(message);
  return ended.finally(() => client.close());
}

const HELLO: ProxyMessage = { message: 'hello', hello: { nodeId: 'n', weirVersion: '' } };
const NOTHING: ProxyMessage = { message: 'inventory', inventory: { held: [], last: true } };

describe('mutual TLS', () => {
  test('accepts a proxy of the CA, with the URI of its certificate as identity', async () => {
    const { server, port } = await world.serve({ tls: controller });
    const { subscription, target } = world.subscribe(port, { tls: proxy });
    await subscription.ready;
    expect(target.held.has('Cluster|c')).toBe(true);
    expect(server.sessions()[0]).toMatchObject({ identity: 'spiffe://weir/proxy-a', nodeId: 'node', phase: 'live' });
  });

  test('uses the common name as identity if there is no URI', async () => {
    const { server, port } = await world.serve({ tls: controller });
    const { subscription } = world.subscribe(port, { tls: await ca.issue('proxy-b', '') });
    await subscription.ready;
    expect(server.sessions()[0]?.identity).toBe('proxy-b');
  });

  test('refuses a certificate of another CA, and continues to serve others', async () => {
    const { server, port } = await world.serve({ tls: controller });
    const { relay, port: front } = await world.relay(port);
    const issued = await stranger.issue('proxy-a', '');
    const refused = world.subscribe(front, { tls: { ...issued, ca: ca.certificate } });
    await until(() => relay.accepted >= 3);
    const { subscription } = world.subscribe(port, { tls: proxy });
    await subscription.ready;
    expect(refused.subscription.state().connects).toBe(0);
    expect(server.sessions()).toHaveLength(1);
  });

  test('refuses a peer without a certificate', async () => {
    const { server, port } = await world.serve({ tls: controller });
    const client = connectDiscovery(`127.0.0.1:${port}`, ChannelCredentials.createSsl(await readFile(ca.certificate)), {});
    const stream = client.subscribe();
    stream.on('error', () => undefined);
    const ended = new Promise<StatusObject>((resolve) => stream.on('status', resolve));
    stream.write(HELLO);
    stream.write(NOTHING);
    expect((await ended).code).toBe(status.UNAVAILABLE);
    client.close();
    expect(world.observer.told).toEqual([]);
    expect(server.sessions()).toEqual([]);
  });

  test('a proxy refuses a controller of another CA', async () => {
    const { port } = await world.serve({ tls: await stranger.issue('controller', 'IP:127.0.0.1') });
    const { relay, port: front } = await world.relay(port);
    const { target } = world.subscribe(front, { tls: proxy });
    await until(() => relay.accepted >= 3);
    expect(target.steps).toEqual([]);
  });

  test('uses rotated certificates for the next connection', async () => {
    const { server, port } = await world.serve({ tls: controller });
    const { relay, port: front } = await world.relay(port);
    const files = await ca.issue('before', '');
    const { subscription } = world.subscribe(front, { tls: files });
    await subscription.ready;
    const after = await ca.issue('after', '');
    await copyFile(after.certificate, files.certificate);
    await copyFile(after.privateKey, files.privateKey);
    relay.cut();
    await until(() => server.sessions().some(({ identity, phase }) => identity === 'after' && phase === 'live'));
  });
});

describe('plain text', () => {
  test('is served on loopback only', async () => {
    await expect(world.serve({ address: '0.0.0.0:0' })).rejects.toThrow('loopback');
  });
});

describe('a peer that breaks the protocol', () => {
  const INVALID = status.INVALID_ARGUMENT;

  test('is refused for any message out of order', async () => {
    const { server, port } = await world.serve();
    const ack = (nonce: number): ProxyMessage => ({ message: 'ack', ack: { nonce, errors: [], recovered: [] } });
    expect((await say(port, HELLO, HELLO)).code).toBe(INVALID);
    expect((await say(port, NOTHING)).code).toBe(INVALID);
    expect((await say(port, {})).code).toBe(INVALID);
    expect((await say(port, ack(1))).code).toBe(INVALID);
    expect((await say(port, HELLO, NOTHING, NOTHING)).code).toBe(INVALID);
    expect((await say(port, HELLO, NOTHING, ack(7))).code).toBe(INVALID);
    expect(server.sessions()).toEqual([]);
    expect(world.observer.open.size).toBe(0);
  });

  test('sends invalid bytes without effect on other peers', async () => {
    const { server, port } = await world.serve();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.write(Buffer.alloc(64 * 1024, 'GET / HTTP/1.1\r\n\r\n'));
    await closed;
    const { subscription } = world.subscribe(port);
    await subscription.ready;
    expect(server.sessions()).toHaveLength(1);
  });

  test('sends a frame that no message can be read from', async () => {
    const { server, port } = await world.serve();
    const raw = (value: Buffer): Buffer => value;
    const method = { path: '/weir.discovery.v1.Discovery/Subscribe', requestStream: true, responseStream: true };
    const Client = makeClientConstructor(
      { subscribe: { ...method, requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw } },
      'Raw',
    );
    const client = new Client(`127.0.0.1:${port}`, ChannelCredentials.createInsecure());
    const stream = (client as unknown as { subscribe(): ReturnType<ReturnType<typeof connectDiscovery>['subscribe']> }).subscribe();
    stream.on('error', () => undefined);
    const ended = new Promise<StatusObject>((resolve) => stream.on('status', resolve));
    stream.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]) as unknown as ProxyMessage);
    expect((await ended).code).not.toBe(status.OK);
    client.close();
    await until(() => server.sessions().length === 0);
  });
});
