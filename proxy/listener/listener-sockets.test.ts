import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import { TimerWheel } from '#lib/timer-wheel.ts';
import type { DownstreamConnection } from '../exchange/exchange.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import type { ConnectionCodec } from './connection.ts';
import { ListenerSockets } from './listener-sockets.ts';
import type { ListenerSocketsOptions } from './listener-sockets.ts';

/** Echoes all bytes; answers '?' with the facts of the connection. */
class Echo implements ConnectionCodec {
  readonly idle = true;
  readonly #socket: net.Socket;
  readonly connection: DownstreamConnection;

  constructor(socket: net.Socket, connection: DownstreamConnection) {
    this.#socket = socket;
    this.connection = connection;
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
  }

  data(chunk: Buffer): void {
    this.#socket.write(Buffer.from(chunk));
  }

  retire(): void {
    this.#socket.write('last');
  }

  drain(): void {
    this.#socket.end('bye');
  }
}

function listener(port: number, fields: Partial<ir.Listener> = {}): ir.Listener {
  const key = fields.key ?? `default/gateway/port-${port}`;
  return { kind: 'Listener', key, gateway: 'default/gateway', addresses: [], port, protocol: 'HTTP', hostname: '', tls: null, ...fields };
}

const NO_SECRETS = new Map<string, ir.Secret>();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function listenerSockets(options: Partial<ListenerSocketsOptions> = {}): { sockets: ListenerSockets; codecs: Echo[]; wheel: TimerWheel } {
  const codecs: Echo[] = [];
  const wheel = new TimerWheel();
  const sockets = new ListenerSockets({
    connect: (socket, connection) => codecs[codecs.push(new Echo(socket, connection)) - 1] as Echo,
    limits: DEFAULT_LIMITS,
    wheel,
    drainTimeout: 1_000,
    bindPort: () => 0,
    ...options,
  });
  closers.push(() => {
    const closed = sockets.close(0);
    sockets.cut();
    wheel.stop();
    return closed;
  });
  return { sockets, codecs, wheel };
}

async function connect(sockets: ListenerSockets, port: number): Promise<net.Socket> {
  const socket = net.connect(sockets.boundPort(port) ?? 0, '127.0.0.1');
  closers.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function ask(socket: net.Socket, text: string): Promise<string> {
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0);
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

describe('ListenerSockets', () => {
  test('serves a listener', async () => {
    const { sockets } = listenerSockets();
    expect(await sockets.update([listener(80)], NO_SECRETS)).toEqual([]);
    expect(await ask(await connect(sockets, 80), 'hello')).toBe('hello');
  });

  test('gives a codec the port of the listener and the addresses', async () => {
    const { sockets, codecs } = listenerSockets();
    await sockets.update([listener(80)], NO_SECRETS);
    const socket = await connect(sockets, 80);
    await ask(socket, 'hello');
    const { localPort, remoteAddress, remotePort, localAddress, tls } = codecs[0]!.connection;
    expect({ localPort, remoteAddress, remotePort, localAddress, tls }).toEqual({
      localPort: 80,
      remoteAddress: '127.0.0.1',
      remotePort: socket.localPort,
      localAddress: '127.0.0.1',
      tls: null,
    });
  });

  test('binds one socket for listeners that share a port', async () => {
    const { sockets } = listenerSockets({ bindPort: (port) => port });
    const port = await freePort();
    const listeners = ['a', 'b'].map((name) => listener(port, { key: `default/gateway/${name}`, hostname: `${name}.example.com` }));
    expect(await sockets.update(listeners, NO_SECRETS)).toEqual([]);
    expect(sockets.boundPort(port)).toBe(port);
  });

  test('adds and removes ports while a connection on a kept port stays open', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener(80), listener(81)], NO_SECRETS);
    const kept = await connect(sockets, 80);
    const bound = sockets.boundPort(80);
    await sockets.update([listener(80), listener(82)], NO_SECRETS);
    expect(await ask(kept, 'still there')).toBe('still there');
    expect(sockets.boundPort(80)).toBe(bound);
    expect(sockets.boundPort(81)).toBeNull();
    expect(await ask(await connect(sockets, 82), 'new')).toBe('new');
  });

  test('drains the connections of a removed port', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener(80)], NO_SECRETS);
    const socket = await connect(sockets, 80);
    await ask(socket, 'hello');
    const said = once(socket, 'data');
    await sockets.update([], NO_SECRETS);
    expect(String(await said)).toBe('bye');
  });

  test('reports an address in use with the keys of all its listeners, and tries again', async () => {
    const { sockets } = listenerSockets({ bindPort: (port) => port });
    const other = net.createServer().listen(0);
    await once(other, 'listening');
    const { port } = other.address() as net.AddressInfo;
    const listeners = [listener(port, { key: 'default/gateway/a' }), listener(port, { key: 'default/gateway/b' })];
    const problems = await sockets.update(listeners, NO_SECRETS);
    expect(problems.map(({ listener: key, reason }) => [key, reason])).toEqual([
      ['default/gateway/a', 'AddressInUse'],
      ['default/gateway/b', 'AddressInUse'],
    ]);
    other.close();
    await once(other, 'close');
    expect(await sockets.update(listeners, NO_SECRETS)).toEqual([]);
  });

  test('serves the other ports when one cannot be bound', async () => {
    const { sockets } = listenerSockets();
    const problems = await sockets.update([listener(80), listener(81, { addresses: ['192.0.2.1'] })], NO_SECRETS);
    expect(problems).toEqual([expect.objectContaining({ listener: 'default/gateway/port-81', reason: 'AddressUnavailable' })]);
    expect(await ask(await connect(sockets, 80), 'hello')).toBe('hello');
  });

  test('binds single addresses, and all addresses once a listener requires it', async () => {
    const { sockets } = listenerSockets({ bindPort: (port) => port });
    const port = await freePort();
    const one = listener(port, { addresses: ['127.0.0.1'] });
    expect(await sockets.update([one], NO_SECRETS)).toEqual([]);
    await expect(once(net.connect(port, '127.0.0.2'), 'connect')).rejects.toThrow('ECONNREFUSED');
    expect(await sockets.update([one, listener(port, { key: 'default/gateway/all' })], NO_SECRETS)).toEqual([]);
    const socket = net.connect(port, '127.0.0.2');
    closers.push(() => socket.destroy());
    await once(socket, 'connect');
  });

  test('binds listeners without an address to the default address', async () => {
    const { sockets } = listenerSockets({ bindPort: (port) => port, bindAddress: '127.0.0.3' });
    const port = await freePort();
    const listeners = [listener(port), listener(port, { key: 'default/gateway/one', addresses: ['127.0.0.2'] })];
    expect(await sockets.update(listeners, NO_SECRETS)).toEqual([]);
    await expect(once(net.connect(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
    for (const address of ['127.0.0.2', '127.0.0.3']) {
      const socket = net.connect(port, address);
      closers.push(() => socket.destroy());
      await once(socket, 'connect');
    }
  });

  test('refuses connections above the limit, and accepts new ones after others close', async () => {
    const { sockets } = listenerSockets({ limits: { ...DEFAULT_LIMITS, maxConnections: 1 } });
    await sockets.update([listener(80)], NO_SECRETS);
    const first = await connect(sockets, 80);
    await ask(first, 'hello');
    const second = net.connect(sockets.boundPort(80) ?? 0, '127.0.0.1');
    const [error] = (await once(second, 'error')) as [Error];
    expect(error.message).toContain('ECONNRESET');
    expect(sockets.counts).toEqual({ open: 1, accepted: 1, refused: 1 });
    first.destroy();
    await gone(sockets);
    expect(await ask(await connect(sockets, 80), 'hello')).toBe('hello');
  });

  test('answers a peer that has closed its side', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener(80)], NO_SECRETS);
    const socket = await connect(sockets, 80);
    socket.end('last words');
    expect(String(await once(socket, 'data'))).toBe('last words');
  });

  test('leaves no handle after 1,000 reset connections', async () => {
    const { sockets, wheel } = listenerSockets();
    await sockets.update([listener(80)], NO_SECRETS);
    const before = process.getActiveResourcesInfo().length;
    for (let i = 0; i < 1_000; i++) {
      const socket = await connect(sockets, 80);
      if (i % 2 === 0) socket.write('x');
      socket.resetAndDestroy();
    }
    await gone(sockets);
    closers.splice(1);
    expect(wheel.size).toBe(0);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
  });
});

/** Resolves when no connection is left. */
async function gone(sockets: ListenerSockets): Promise<void> {
  while (sockets.counts.open > 0) await new Promise((resolve) => setImmediate(resolve));
}
