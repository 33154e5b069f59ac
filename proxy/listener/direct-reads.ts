// Reads of accepted sockets without a Buffer, a Readable or an event per read: all sockets of a worker read into one buffer, those
// of TLS into another, and call straight back. With tls-internals.ts the only file that touches Node internals;
// docs/adr/0003-onread-on-accepted-sockets.md says why.
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { READS, SECURED_READS } from '../exchange/read-buffer.ts';
import type { ReadBuffer } from '../exchange/read-buffer.ts';

/** Takes what was read. The chunk is valid during the call only. */
export type Receive = (chunk: Buffer) => void;

/** Where a socket keeps what `net.connect({ onread })` gives it. */
interface Names {
  readonly buffer: symbol;
  readonly callback: symbol;
}

/** A socket as Node sees it. */
interface Internals {
  readonly _handle?: { readonly useUserBuffer?: (buffer: Buffer) => unknown } | null;
  [name: symbol]: unknown;
}

let checked: Promise<boolean> | null = null;
/** By kind of socket, null until the check has passed. */
const enabled: { plain: Names | null; secured: Names | null } = { plain: null, secured: null };

/**
 * Lets a socket read that was accepted paused, or whose handshake has just ended: into the shared buffer where this Node can, by
 * 'data' events where it cannot. `pause` and `resume` work on both, 'end' is emitted by both, and both stay writable after it.
 * A second call takes the place of the first: the former receiver may still be called, and does nothing by it.
 */
export function startReading(socket: net.Socket, receive: Receive): void {
  start(socket, receive, socket instanceof tls.TLSSocket ? enabled.secured : enabled.plain);
}

/**
 * Tries once per process, over loopback connections in the clear and with TLS, whether the shared buffers work on this Node: bytes
 * arrive, pausing holds them back, the end is seen. Anything unexpected leaves 'data' events in charge.
 */
export function checkDirectReads(): Promise<boolean> {
  checked ??= check();
  return checked;
}

/** Drops what comes from now on: the socket is closed. */
export function stopReading(socket: net.Socket): void {
  const names = enabled.plain ?? enabled.secured;
  if (names !== null) (socket as unknown as Internals)[names.callback] = null;
}

function start(socket: net.Socket, receive: Receive, names: Names | null): void {
  const isDirect = names !== null && readInto(bufferOf(socket), socket, names, receive);
  // Begins here and now: `resume` alone begins later, even on a socket that was paused meanwhile.
  socket.read(0);
  if (isDirect && !(socket instanceof tls.TLSSocket)) return;
  socket.on('data', receive);
  socket.resume();
}

function bufferOf(socket: net.Socket): ReadBuffer {
  return socket instanceof tls.TLSSocket ? SECURED_READS : READS;
}

/** False where it cannot be done. */
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

/** What Node calls with the length of a read; true: go on. */
type Callback = (length: number) => boolean;

function callback(reads: ReadBuffer, receive: Receive): Callback {
  return (length) => {
    receive(reads.view(length));
    return true;
  };
}

/** Records of TLS may come on a paused socket: they go the way of 'data' events, and so do others until those are taken. */
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

/** TLS between the two ends of a connection, by a key that both know: no certificate is needed. */
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
