// TLS termination with real peers: node:tls, openssl s_client, and bytes that no TLS library sends.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import type * as ir from '#api/ir/ir.ts';
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { TestCa, secretOf } from '../../test/support/certificates.ts';
import { closeAfterEach, closeLater } from '../../test/support/fixture.ts';
import { boundPort, httpsListener, openListenerSockets } from '../../test/support/listener-sockets.ts';
import { until } from '../../test/support/until.ts';
import type { DownstreamConnection } from '../exchange/exchange.ts';
import { DEFAULT_LIMITS } from '../exchange/limits.ts';
import type { ConnectionCodec } from './connection.ts';
import type { ListenerSockets } from './listener-sockets.ts';
import type { ListenerSocketsOptions } from './listener-sockets.ts';

/** Echoes all bytes after the server name of the handshake. */
class Echo implements ConnectionCodec {
  readonly idle = true;
  readonly #socket: net.Socket;
  readonly #connection: DownstreamConnection;

  constructor(socket: net.Socket, connection: DownstreamConnection) {
    this.#socket = socket;
    this.#connection = connection;
    socket.on('error', () => undefined);
    socket.on('end', () => socket.end());
  }

  data(chunk: Buffer): void {
    const { tls: facts, localPort } = this.#connection;
    this.#socket.write(`${facts?.serverName}|${facts?.version}|${localPort}|${chunk}`);
  }

  retire(): void {
    this.#socket.write('last');
  }

  drain(): void {
    this.#socket.end('bye');
  }
}

let ca: TestCa;
const secrets = new Map<string, ir.Secret>();
beforeAll(async () => {
  ca = await TestCa.create();
  for (const [key, names] of [
    ['a', 'DNS:a.example.com'],
    ['wild', 'DNS:*.example.com'],
    ['other', 'DNS:other.test'],
    ['renewed', 'DNS:a.example.com'],
  ] as const) {
    secrets.set(key, secretOf(key, await ca.issue(key, names)));
  }
  secrets.set('broken', { kind: 'Secret', key: 'broken', certificate: 'nonsense', privateKey: 'nonsense' });
});
afterAll(() => ca.remove());

closeAfterEach();

function listener(name: string, hostname: string, certificates: readonly string[], fields: Partial<ir.Listener> = {}): ir.Listener {
  return httpsListener(certificates, { key: `default/gateway/${name}`, hostname, ...fields });
}

function listenerSockets(options: Partial<ListenerSocketsOptions> = {}): { sockets: ListenerSockets; wheel: TimerWheel } {
  return openListenerSockets({ connect: (socket, connection) => new Echo(socket, connection), ...options });
}

function port(sockets: ListenerSockets): number {
  return boundPort(sockets);
}

/** Connects and waits for the handshake; rejects with its error. */
async function secure(sockets: ListenerSockets, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port: port(sockets), rejectUnauthorized: false, ...options });
  closeLater(() => socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(socket: net.Socket, text: string): Promise<string> {
  socket.write(text);
  return String(await once(socket, 'data'));
}

function commonName(socket: tls.TLSSocket): unknown {
  return socket.getPeerCertificate().subject.CN;
}

/** A connection of bytes. */
async function raw(sockets: ListenerSockets): Promise<net.Socket> {
  const socket = net.connect(port(sockets), '127.0.0.1');
  socket.on('error', () => undefined);
  closeLater(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function readAll(socket: net.Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  await once(socket, 'close');
  return text;
}

/** The first flight of a real client. */
async function clientHello(servername: string): Promise<Buffer> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[net.Socket]>;
  const client = tls.connect({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port, servername });
  client.on('error', () => undefined);
  const [socket] = await accepted;
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

describe('choosing a certificate', () => {
  test.each([
    ['a.example.com', 'a'],
    ['A.Example.COM', 'a'],
    ['b.example.com', 'wild'],
    ['other.test', 'other'],
    ['unheard.of', 'other'],
  ])('%s gets %s', async (servername, expected) => {
    const { sockets } = listenerSockets();
    const listeners = [
      listener('a', 'a.example.com', ['a']),
      listener('wild', '*.example.com', ['wild']),
      listener('any', '', ['other', 'a']),
    ];
    expect(await sockets.update(listeners, secrets)).toEqual([]);
    const socket = await secure(sockets, { servername });
    expect(commonName(socket)).toBe(expected);
    expect(await ask(socket, 'x')).toBe(`${servername.toLowerCase()}|TLSv1.3|443|x`);
  });

  test('a handshake without a name gets the first certificate of the listener for any host', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('a', 'a.example.com', ['a']), listener('any', '', ['other', 'a'])], secrets);
    const socket = await secure(sockets);
    expect(commonName(socket)).toBe('other');
    expect(await ask(socket, 'x')).toBe('|TLSv1.3|443|x');
  });

  test('one listener chooses among its certificates by the name', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['other', 'a'])], secrets);
    expect(commonName(await secure(sockets, { servername: 'a.example.com' }))).toBe('a');
  });

  test('a name without a listener is refused with unrecognized_name, and counted', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('a', 'a.example.com', ['a'])], secrets);
    await expect(secure(sockets, { servername: 'b.example.com' })).rejects.toThrow(/unrecognized name/i);
    expect(sockets.handshakes.failures).toEqual(new Map([['unknown_name', 1]]));
  });

  test('an invalid certificate disables only itself', async () => {
    const { sockets } = listenerSockets();
    const problems = await sockets.update([listener('a', 'a.example.com', ['broken', 'a']), listener('b', 'b.test', ['missing'])], secrets);
    expect(problems.map(({ listener: key, reason }) => [key, reason])).toEqual([
      ['default/gateway/a', 'InvalidCertificate'],
      ['default/gateway/b', 'InvalidCertificate'],
    ]);
    expect(commonName(await secure(sockets, { servername: 'a.example.com' }))).toBe('a');
    await expect(secure(sockets, { servername: 'b.test' })).rejects.toThrow();
  });

  test('a changed Secret serves new handshakes, and open connections continue', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('a', 'a.example.com', ['a'])], secrets);
    const open = await secure(sockets, { servername: 'a.example.com' });
    const renewed = new Map(secrets).set('a', secrets.get('renewed')!);
    expect(await sockets.update([listener('a', 'a.example.com', ['a'])], renewed)).toEqual([]);
    expect(commonName(await secure(sockets, { servername: 'a.example.com' }))).toBe('renewed');
    expect(await ask(open, 'still')).toContain('still');
  });
});

describe('protocols', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('supports %s', async (version) => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['a'])], secrets);
    const socket = await secure(sockets, { minVersion: version, maxVersion: version });
    expect(await ask(socket, 'x')).toBe(`|${version}|443|x`);
  });

  test('refuses TLS 1.1', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['a'])], secrets);
    await expect(secure(sockets, { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).rejects.toThrow();
  });

  test('selects http/1.1 by ALPN, and refuses peers without it', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['a'])], secrets);
    expect((await secure(sockets, { ALPNProtocols: ['spdy/3', 'http/1.1'] })).alpnProtocol).toBe('http/1.1');
    await expect(secure(sockets, { ALPNProtocols: ['spdy/3'] })).rejects.toThrow(/no application protocol/i);
  });

  test('openssl s_client verifies the chain and gets its answer', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['a'])], secrets);
    const args = ['s_client', '-connect', `127.0.0.1:${port(sockets)}`, '-servername', 'a.example.com', '-verify_return_error'];
    const child = execFile('openssl', [...args, '-verify_hostname', 'a.example.com', '-CAfile', ca.certificate, '-quiet', '-no_ign_eof']);
    let output = '';
    child.stdout?.on('data', (chunk: string) => {
      output += chunk;
      child.stdin?.end();
    });
    child.stdin?.write('hello\n');
    await once(child, 'close');
    expect(output).toBe('a.example.com|TLSv1.3|443|hello\n');
  });

  test('HTTP and HTTPS on one port conflict; the earlier protocol stays', async () => {
    const { sockets } = listenerSockets();
    const plain = listener('0-plain', '', [], { protocol: 'HTTP', tls: null });
    await sockets.update([listener('any', '', ['a'])], secrets);
    const problems = await sockets.update([plain, listener('any', '', ['a'])], secrets);
    expect(problems).toEqual([expect.objectContaining({ listener: 'default/gateway/0-plain', reason: 'ProtocolConflict' })]);
    expect(await ask(await secure(sockets), 'x')).toContain('x');
  });

  test('a port that changes from HTTP to HTTPS drains its plain connections', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('plain', '', [], { protocol: 'HTTP', tls: null })], secrets);
    const socket = await raw(sockets);
    expect(await ask(socket, 'x')).toBe('undefined|undefined|443|x');
    const rest = readAll(socket);
    await sockets.update([listener('any', '', ['a'])], secrets);
    expect(await rest).toBe('bye');
    expect(await ask(await secure(sockets), 'x')).toContain('x');
  });

  test('an HTTPS listener with passthrough is reported as a problem', async () => {
    const { sockets } = listenerSockets();
    const problems = await sockets.update([listener('any', '', ['a'], { tls: { mode: 'Passthrough', certificates: [] } })], secrets);
    expect(problems).toEqual([expect.objectContaining({ listener: 'default/gateway/any', reason: 'UnsupportedProtocol' })]);
  });
});

describe('resumption', () => {
  async function sessionOf(socket: tls.TLSSocket): Promise<Buffer> {
    const session = once(socket, 'session') as Promise<[Buffer]>;
    await ask(socket, 'x');
    return (await session)[0];
  }

  test('a session of one worker resumes at another with the same ticket keys, and at none after a rotation', async () => {
    const ticketKeys = randomBytes(48);
    const [first, second] = [listenerSockets({ ticketKeys }).sockets, listenerSockets({ ticketKeys }).sockets];
    for (const sockets of [first, second]) await sockets.update([listener('any', '', ['a'])], secrets);
    const session = await sessionOf(await secure(first, { servername: 'a.example.com' }));
    const resumed = await secure(second, { servername: 'a.example.com', session });
    expect(resumed.isSessionReused()).toBe(true);
    second.rotateTicketKeys(randomBytes(48));
    expect((await secure(second, { servername: 'a.example.com', session })).isSessionReused()).toBe(false);
  });

  test('a session does not resume at a listener with other certificates', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('a', 'a.example.com', ['a']), listener('o', 'other.test', ['other'])], secrets);
    const session = await sessionOf(await secure(sockets, { servername: 'a.example.com' }));
    const socket = await secure(sockets, { servername: 'other.test', session });
    expect(socket.isSessionReused()).toBe(false);
    expect(commonName(socket)).toBe('other');
  });
});

describe('hostile peers', () => {
  test('plain HTTP gets a 400 with the reason', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['a'])], secrets);
    const socket = await raw(sockets);
    socket.write('GET / HTTP/1.1\r\nhost: a.example.com\r\n\r\n');
    const answer = await readAll(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer).toContain('This port speaks HTTPS');
    expect(sockets.handshakes.failures).toEqual(new Map([['plain_http', 1]]));
    await until(() => sockets.counts.open === 0, 'closed');
  });

  test('garbage is closed without an answer', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['a'])], secrets);
    const socket = await raw(sockets);
    socket.write(Buffer.from([0x80, 0x2e, 0x01, 0x00, 0x02]));
    expect(await readAll(socket)).toBe('');
    expect(sockets.handshakes.failures).toEqual(new Map([['not_tls', 1]]));
  });

  test('a ClientHello split at any byte is accepted', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('a', 'a.example.com', ['a'])], secrets);
    const hello = await clientHello('a.example.com');
    for (let at = 1; at < hello.length; at++) {
      const socket = await raw(sockets);
      socket.setNoDelay();
      socket.write(hello.subarray(0, at));
      await new Promise((resolve) => setImmediate(resolve));
      const answer = once(socket, 'data') as Promise<[Buffer]>;
      socket.write(hello.subarray(at));
      // A ServerHello in a handshake record.
      expect([...(await answer)[0].subarray(0, 1), (await answer)[0][5]]).toEqual([0x16, 0x02]);
      socket.destroy();
    }
    await until(() => sockets.counts.open === 0, 'closed');
  });

  test('a stalled handshake is cut at its deadline at any step', async () => {
    const { sockets, wheel } = listenerSockets({ limits: { ...DEFAULT_LIMITS, tlsHandshakeTimeout: 100 } });
    await sockets.update([listener('a', 'a.example.com', ['a'])], secrets);
    const hello = await clientHello('a.example.com');
    for (const bytes of [Buffer.alloc(0), hello.subarray(0, 20), hello]) {
      const socket = await raw(sockets);
      socket.resume().write(bytes);
      await once(socket, 'close');
    }
    expect(sockets.handshakes.failures).toEqual(new Map([['timeout', 3]]));
    await until(() => sockets.counts.open === 0 && wheel.size === 0, 'released');
  });

  test.each([
    ['closes its side', (socket: net.Socket) => void socket.end()],
    ['resets', (socket: net.Socket) => void socket.resetAndDestroy()],
  ])('the connection of a peer that %s during the handshake closes at once', async (_, leave) => {
    const { sockets, wheel } = listenerSockets();
    await sockets.update([listener('a', 'a.example.com', ['a'])], secrets);
    const hello = await clientHello('a.example.com');
    const socket = await raw(sockets);
    socket.write(hello);
    // The flight of the server: OpenSSL handles the handshake by now.
    await once(socket, 'data');
    leave(socket);
    await until(() => sockets.counts.open === 0 && wheel.size === 0, 'released');
    expect(sockets.handshakes.failures).toEqual(new Map([['closed', 1]]));
  });

  test('a peer that closes its side after its last byte still gets its answer', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('a', 'a.example.com', ['a'])], secrets);
    const socket = tls.connect({ host: '127.0.0.1', port: port(sockets), servername: 'a.example.com', rejectUnauthorized: false });
    closeLater(() => socket.destroy());
    socket.end('x');
    expect(String(await once(socket, 'data'))).toBe('a.example.com|TLSv1.3|443|x');
    expect(sockets.handshakes.total).toBe(1);
  });

  test('a closed connection has no reference to the proxy', async () => {
    const served: net.Socket[] = [];
    const { sockets } = listenerSockets({
      connect: (socket, connection) => {
        served.push(socket);
        return new Echo(socket, connection);
      },
    });
    await sockets.update([listener('any', '', ['a'])], secrets);
    const socket = await secure(sockets);
    await ask(socket, 'x');
    socket.destroy();
    await until(() => sockets.counts.open === 0 && served[0]?.eventNames().length === 1, 'no listener but one');
    expect(served[0]?.eventNames()).toEqual(['error']);
    expect(served[0]?.emit('error', new Error('late'))).toBe(true);
  });

  test('handshakes count for the connection limit', async () => {
    const { sockets } = listenerSockets({ limits: { ...DEFAULT_LIMITS, maxConnections: 1 } });
    await sockets.update([listener('any', '', ['a'])], secrets);
    const slow = await raw(sockets);
    await until(() => sockets.counts.open === 1, 'accepted');
    await expect(secure(sockets)).rejects.toThrow();
    expect(sockets.counts).toEqual({ open: 1, accepted: 1, refused: 1 });
    slow.destroy();
    await until(() => sockets.counts.open === 0, 'closed');
    await secure(sockets);
  });

  test('1,000 failed handshakes of all kinds leave nothing behind', async () => {
    const { sockets, wheel } = listenerSockets();
    await sockets.update([listener('a', 'a.example.com', ['a'])], secrets);
    const hellos = [await clientHello('a.example.com'), await clientHello('b.example.com')] as const;
    const before = process.getActiveResourcesInfo().length;
    const connected: net.Socket[] = [];
    for (let i = 0; i < 1_000; i++) {
      const socket = await raw(sockets);
      connected.push(socket);
      const hello = hellos[i % 2] as Buffer;
      socket.write(i % 5 === 0 ? randomBytes(40) : hello.subarray(0, 1 + ((i * 37) % hello.length)));
      if (i % 3 === 0) socket.end();
      else if (i % 3 === 1) socket.resetAndDestroy();
      else {
        await new Promise((resolve) => setImmediate(resolve));
        socket.destroy();
      }
    }
    for (const socket of connected) socket.destroy();
    await until(() => sockets.counts.open === 0 && wheel.size === 0, 'released');
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
    const failures = [...sockets.handshakes.failures.values()].reduce((sum, count) => sum + count, 0);
    expect(failures).toBe(1_000);
    expect(sockets.handshakes.total).toBe(0);
  });
});

describe('the end', () => {
  test('retire drains every connection, and new ones are accepted', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['a'])], secrets);
    const socket = await secure(sockets);
    await ask(socket, 'x');
    const said = once(socket, 'data');
    sockets.retire();
    expect(String(await said)).toBe('last');
    expect(String(await once(await secure(sockets), 'data'))).toBe('last');
  });

  test('close cuts a handshake at the deadline', async () => {
    const { sockets } = listenerSockets();
    await sockets.update([listener('any', '', ['a'])], secrets);
    const socket = await raw(sockets);
    await until(() => sockets.counts.open === 1, 'accepted');
    const gone = once(socket.resume(), 'close');
    await sockets.close(50);
    await gone;
    expect(sockets.counts.open).toBe(0);
  });

  test('close without grace cuts connections that do not end by themselves', async () => {
    const connect = (socket: net.Socket): ConnectionCodec => {
      socket.on('error', () => undefined);
      return { idle: false, data: () => undefined, retire: () => undefined, drain: () => undefined };
    };
    const { sockets } = listenerSockets({ connect });
    await sockets.update([listener('any', '', ['a'])], secrets);
    const socket = await secure(sockets);
    socket.on('error', () => undefined);
    await until(() => sockets.handshakes.total === 1, 'secured');
    const gone = once(socket.resume(), 'close');
    await sockets.close(0);
    await gone;
    expect(sockets.counts.open).toBe(0);
  });
});
