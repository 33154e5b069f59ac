// Reads of accepted sockets without a Buffer, a Readable or an event per read: all sockets of a worker read into one buffer, TLS sockets
// into another, and call back directly. Besides tls-internals.ts this is the only file that uses Node internals;
// docs/adr/0003-onread-on-accepted-sockets.md has the reasons.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { READS, SECURED_READS } from '../exchange/read-buffer.ts';
import type { ReadBuffer } from '../exchange/read-buffer.ts';

/** Takes received bytes. The chunk is valid only during the call. */
export type Receive = (chunk: Buffer) => void;

/** The fields of a socket for `net.connect({ onread })`. */
interface Names {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** A socket with Node's internal fields. */
interface Internals {
  readonly _handle?: { readonly useUserBuffer?: (buffer: Buffer) => unknown } | null;
  [name: symbol]: unknown;
}

let checked: Promise<boolean> | null = null;
/** By kind of socket, null until the check succeeded. */
const enabled: { plain: Names | null; secured: Names | null } = { plain: null, secured: null };

/**
 * Starts to read a socket that was accepted paused, or whose handshake has just ended: into the shared buffer if this Node supports it,
 * otherwise by 'data' events. With both, `pause`, `resume`, 'end' and writes work. A second call replaces the first: the former receiver
 * may still be called and must ignore it.
 */
export function startReading(socket: net.Socket, receive: Receive): void {
  start(socket, receive, socket instanceof tls.TLSSocket ? enabled.secured : enabled.plain);
}

/**
 * Checks once per process, with loopback connections with and without TLS, whether shared buffers work on this Node: bytes arrive, a pause
 * holds them back, the end is seen. If not, 'data' events are used.
 */
export function checkDirectReads(): Promise<boolean> {
  checked ??= check();
  return checked;
}

/** Discards further bytes: the socket is closed. */
export function stopReading(socket: net.Socket): void {
  const names = enabled.plain ?? enabled.secured;
  if (names !== null) (socket as unknown as Internals)[names.callback] = null;
}

function start(socket: net.Socket, receive: Receive, names: Names | null): void {
  const isDirect = names !== null && readInto(bufferOf(socket), socket, names, receive);
  // Starts at once: `resume` alone starts later, even on a socket that was paused meanwhile.
  socket.read(0);
  if (isDirect && !(socket instanceof tls.TLSSocket)) return;
  socket.on('data', receive);
  socket.resume();
}

function bufferOf(socket: net.Socket): ReadBuffer {
  return socket instanceof tls.TLSSocket ? SECURED_READS : READS;
}

/** False if it is not supported. */
function readInto(reads: ReadBuffer, socket: net.Socket, names: Names, receive: Receive): boolean {
  const internals = socket as unknown as Internals;
  const handle = internals._handle;
  if (typeof handle?.useUserBuffer !== 'function') return false;
  internals[names.callback] = socket instanceof tls.TLSSocket ? heedingPauses(socket, reads, receive) : callback(reads, receive);
  if (internals[names.buffer] === reads.bytes) return true;
  internals[names.buffer] = reads.bytes;
  handle.useUserBuffer(reads.bytes);
  return true;
}

/** Node calls it with the length of a read; true: continue. */
type Callback = (length: number) => boolean;

function callback(reads: ReadBuffer, receive: Receive): Callback {
  return (length) => {
    receive(reads.view(length));
    return true;
  };
}

/** TLS records may arrive on a paused socket; they are delivered as 'data' events, and so are later ones until those are read. */
function heedingPauses(socket: net.Socket, reads: ReadBuffer, receive: Receive): Callback {
  return (length) => {
    if (socket.isPaused() || socket.readableLength > 0) return socket.push(Buffer.from(reads.view(length)));
    receive(reads.view(length));
    return true;
  };
}

async function check(): Promise<boolean> {
  const names = findNames();
  if (names === null) return false;
  const [plain, secured] = await Promise.all([works(names, false), works(names, true)]);
  if (plain) enabled.plain = names;
  if (secured) enabled.secured = names;
  return plain && secured;
}

function findNames(): Names | null {
  const symbols = Object.getOwnPropertySymbols(new net.Socket());
  const buffer = symbols.find(({ description }) => description === 'kBuffer');
  const callback = symbols.find(({ description }) => description === 'kBufferCb');
  return buffer === undefined || callback === undefined ? null : { buffer, callback };
}

async function works(names: Names, isSecured: boolean): Promise<boolean> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  const sockets: net.Socket[] = [];
  try {
    await once(server, 'listening');
    const peer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    sockets.push(peer);
    const [accepted] = (await once(server, 'connection', soon())) as [net.Socket];
    sockets.push(accepted);
    if (!isSecured) return await readsAsExpected(accepted, peer, names);
    const [socket, client] = secure(accepted, peer);
    sockets.push(socket, client);
    await once(socket, 'secure', soon());
    return await readsAsExpected(socket, client, names);
  } catch {
    return false;
  } finally {
    for (const socket of sockets) socket.on('error', () => undefined).destroy();
    server.close();
  }
}

function soon(): { readonly signal: AbortSignal } {
  return { signal: AbortSignal.timeout(2_000) };
}

/** TLS between both ends of a connection with a pre-shared key: no certificate is needed. */
function secure(accepted: net.Socket, peer: net.Socket): readonly [tls.TLSSocket, tls.TLSSocket] {
  const psk = Buffer.alloc(16, 1);
  const options = { ciphers: 'PSK-AES128-GCM-SHA256', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  const socket = new tls.TLSSocket(accepted, {
    isServer: true,
    secureContext: tls.createSecureContext(options),
    pskCallback: () => psk,
  } as tls.TLSSocketOptions);
  const client = tls.connect({
    ...options,
    socket: peer,
    pskCallback: () => ({ psk, identity: 'check' }),
    checkServerIdentity: () => undefined,
  });
  return [socket, client];
}

async function readsAsExpected(socket: net.Socket, peer: net.Socket, names: Names): Promise<boolean> {
  const { buffer } = bufferOf(socket).bytes;
  const seen: string[] = [];
  let [direct, early, paused] = [false, false, false];
  const receive = (chunk: Buffer): void => {
    direct ||= chunk.buffer === buffer;
    early ||= paused;
    paused = true;
    seen.push(chunk.toString());
    socket.pause();
    setImmediate(() => {
      paused = false;
      socket.resume();
    });
  };
  start(socket, receive, names);
  peer.resume().write('one');
  setImmediate(() => peer.end('two'));
  await once(socket, 'end', soon());
  return direct && !early && seen.join('') === 'onetwo' && socket.writable;
}
