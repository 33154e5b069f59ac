import { describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import { certified } from '../../test/support/certified.ts';
import { closeAfterEach, closeLater } from '../../test/support/fixture.ts';
import { until } from '../../test/support/until.ts';
import { READS, SECURED_READS } from '../exchange/read-buffer.ts';
import { checkDirectReads, startReading } from './direct-reads.ts';
import type { Receive } from './direct-reads.ts';

closeAfterEach();

const certificate = certified('DNS:a.test');

/** Both ends of a connection. */
interface Pair {
  readonly peer: net.Socket;
  readonly socket: net.Socket;
}

type Connect = (receive: Receive) => Promise<Pair>;

async function connect(): Promise<Pair> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1').on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [net.Socket];
  socket.on('error', () => undefined);
  closeLater(() => {
    peer.destroy();
    socket.destroy();
    server.close();
  });
  return { peer, socket };
}

async function plain(receive: Receive): Promise<Pair> {
  const pair = await connect();
  startReading(pair.socket, receive);
  return pair;
}

/** `carrier`: the transport below TLS on the socket. */
async function secured(receive: Receive, carrier = (peer: net.Socket): Duplex => peer, early = ''): Promise<Pair> {
  const { peer, socket: accepted } = await connect();
  const secureContext = tls.createSecureContext({
    cert: readFileSync(certificate.files.certificate),
    key: readFileSync(certificate.files.privateKey),
  });
  const socket = new tls.TLSSocket(accepted, { isServer: true, secureContext });
  socket.on('error', () => undefined);
  const client = tls.connect({ socket: carrier(peer), rejectUnauthorized: false, allowHalfOpen: true } as tls.ConnectionOptions);
  client.on('error', () => undefined);
  if (early !== '') client.write(early);
  await new Promise<void>((resolve) =>
    socket.once('secure', () => {
      startReading(socket, receive);
      resolve();
    }),
  );
  return { peer: client, socket };
}

/** Passes on the bytes of one turn in one piece, while `open`. */
class Gathering extends Duplex {
  readonly #socket: net.Socket;
  #gathered: Buffer[] = [];
  open = true;

  constructor(socket: net.Socket) {
    super();
    this.#socket = socket;
    socket.on('data', (chunk) => this.push(chunk));
    socket.on('end', () => this.push(null));
  }

  override _read(): void {
    // Every received byte is pushed.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#gathered.push(chunk);
    setImmediate(() => this.open && this.flush());
    done();
  }

  flush(): void {
    this.open = true;
    if (this.#gathered.length > 0) this.#socket.write(Buffer.concat(this.#gathered.splice(0)));
  }
}

/** Pauses after each chunk. */
async function readEverything(open: Connect): Promise<string> {
  const chunks: string[] = [];
  const { peer, socket } = await open((chunk) => {
    chunks.push(chunk.toString());
    socket.pause();
    setImmediate(() => socket.resume());
  });
  peer.write('one ');
  setImmediate(() => peer.end('two'));
  await once(socket, 'end');
  socket.end('answer');
  const [answer] = (await once(peer, 'data')) as [Buffer];
  return `${chunks.join('')} > ${answer}`;
}

/** The bytes of one packet, read with a pause after each piece. */
async function readPacket(): Promise<string[]> {
  let gathering!: Gathering;
  const seen: string[] = [];
  const { peer, socket } = await secured(
    (chunk) => {
      seen.push(socket.isPaused() ? `${chunk} too early` : chunk.toString());
      socket.pause();
      setImmediate(() => socket.resume());
    },
    (carried) => (gathering = new Gathering(carried)),
  );
  gathering.open = false;
  for (const text of ['1', '2', '3']) await new Promise((resolve) => peer.write(text, resolve));
  gathering.flush();
  await until(() => seen.length === 3, 'three records');
  peer.write('4');
  await until(() => seen.length === 4, 'one more');
  return seen;
}

async function readEarly(): Promise<string> {
  let text = '';
  const { peer } = await secured(
    (chunk) => (text += chunk),
    (carried) => new Gathering(carried),
    'first ',
  );
  await until(() => text === 'first ', 'what came with the handshake');
  peer.write('second');
  await until(() => text === 'first second', 'what came after it');
  return text;
}

// First: the check has not run yet in this process.
describe("startReading by 'data' events", () => {
  test.each([
    ['in the clear', plain],
    ['of TLS', secured],
  ] as const)('reads %s', async (_, open) => {
    expect(await readEverything(open)).toBe('one two > answer');
  });

  test('holds back further records of the packet after a pause', async () => {
    expect(await readPacket()).toEqual(['1', '2', '3', '4']);
  });

  test('reads bytes that arrive with the end of the handshake', async () => {
    expect(await readEarly()).toBe('first second');
  });
});

describe('startReading into a shared buffer', () => {
  test.each([
    ['in the clear', plain, READS],
    ['of TLS', secured, SECURED_READS],
  ] as const)('reads %s', async (_, open, reads) => {
    expect(await checkDirectReads()).toBe(true);
    for (let i = 0; i < 2; i++) {
      const buffers = new Set<ArrayBufferLike>();
      const { peer, socket } = await open((chunk) => buffers.add(chunk.buffer));
      peer.end('hello');
      await once(socket, 'end');
      expect([...buffers]).toEqual([reads.bytes.buffer]);
    }
    expect(await readEverything(open)).toBe('one two > answer');
  });

  test('holds back further records of the packet after a pause', async () => {
    await checkDirectReads();
    expect(await readPacket()).toEqual(['1', '2', '3', '4']);
  });

  test('reads bytes that arrive with the end of the handshake', async () => {
    await checkDirectReads();
    expect(await readEarly()).toBe('first second');
  });

  test('reads nothing on a socket that pauses before the end of the turn', async () => {
    await checkDirectReads();
    const seen: string[] = [];
    const { peer, socket } = await plain((chunk) => seen.push(chunk.toString()));
    socket.pause();
    peer.write('held');
    const before = socket.bytesRead;
    await new Promise((resolve) => peer.write('', resolve));
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
    expect(socket.bytesRead).toBe(before);
    socket.resume();
    await until(() => seen.join('') === 'held', 'what was held');
  });

  test('a reset closes a socket', async () => {
    await checkDirectReads();
    const { peer, socket } = await plain(() => undefined);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    peer.resetAndDestroy();
    expect(await closed).toBe(true);
  });

  test.each([
    ['in the clear', plain],
    ['of TLS', secured],
  ] as const)('gives bytes %s to the last receiver', async (_, open) => {
    await checkDirectReads();
    const seen: string[] = [];
    const { peer, socket } = await open(() => seen.push('first'));
    startReading(socket, () => seen.push('second'));
    peer.write('x');
    await until(() => seen.length > 0, 'a read');
    expect(seen).toEqual(['second']);
  });

  test('a closed socket reads nothing', async () => {
    await checkDirectReads();
    const { socket } = await connect();
    socket.destroy();
    startReading(socket, () => undefined);
    await until(() => socket.closed, 'its close');
  });
});
