// Reads of accepted sockets without a Buffer, a Readable or an event per read: every socket of the worker reads into one
// buffer and calls straight back. With tls-internals.ts the only file that touches Node internals; docs/adr/0003-onread-on-accepted-sockets.md says why.
import { once } from 'node:events';
import net from 'node:net';
import { READ_BUFFER, readView } from '../exchange/read-buffer.ts';

/** Takes what was read. The chunk is valid during the call only. */
export type Receive = (chunk: Buffer) => void;

/** What another socket gave up; `net.Socket` accepts it, as `net.Server` relies on, without saying so in its documentation. */
type Handle = NonNullable<net.SocketConstructorOpts['handle']>;

let direct: Promise<boolean> | null = null;
/** Whether accepted sockets read straight into the buffer; false until the check has passed. */
let enabled = false;

/**
 * Turns a socket as `net.Server({ pauseOnConnect: true })` accepted it into one that reads: into the shared buffer where this
 * Node can, by 'data' events where it cannot. `pause` and `resume` work on both, 'end' is emitted by both, and both stay
 * writable after it.
 */
export function startReading(accepted: net.Socket, receive: Receive): net.Socket {
  const handle = enabled ? takeHandle(accepted) : null;
  if (handle !== null) return wrapHandle(handle, receive);
  accepted.on('data', receive);
  accepted.resume();
  return accepted;
}

/**
 * Tries once per process, over a loopback connection, whether the shared buffer works on this Node: bytes arrive, pausing
 * holds them back, the end is seen. Anything unexpected leaves 'data' events in charge.
 */
export function checkDirectReads(): Promise<boolean> {
  direct ??= tryDirectReads().then(
    (works) => (enabled = works),
    () => false,
  );
  return direct;
}

/** The handle of a socket, which is left empty and closed; null when there is none to take. */
function takeHandle(accepted: net.Socket): Handle | null {
  const holder = accepted as unknown as { _handle?: Handle | null };
  const handle = holder._handle ?? null;
  if (handle === null || !('useUserBuffer' in handle)) return null;
  holder._handle = null;
  // The server counts its sockets and would wait for this one; without a handle, destroying it only settles that account.
  accepted.destroy();
  return handle;
}

function wrapHandle(handle: Handle, receive: Receive): net.Socket {
  const callback = (length: number): boolean => {
    receive(readView(length));
    return true;
  };
  return new net.Socket({ handle, allowHalfOpen: true, onread: { buffer: READ_BUFFER, callback } });
}

async function tryDirectReads(): Promise<boolean> {
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const peer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  try {
    const [accepted] = (await once(server, 'connection', { signal: AbortSignal.timeout(2_000) })) as [net.Socket];
    const handle = takeHandle(accepted);
    return handle !== null && (await readsAsExpected(handle, peer));
  } finally {
    peer.destroy();
    server.close();
  }
}

async function readsAsExpected(handle: Handle, peer: net.Socket): Promise<boolean> {
  const seen: string[] = [];
  const socket = wrapHandle(handle, (chunk) => {
    seen.push(chunk.buffer === READ_BUFFER.buffer ? chunk.toString() : 'elsewhere');
    socket.pause();
    setImmediate(() => socket.resume());
  });
  try {
    peer.write('one');
    await once(peer.resume(), 'connect').catch(() => undefined);
    peer.end('two');
    await once(socket, 'end', { signal: AbortSignal.timeout(2_000) });
    return seen.join('') === 'onetwo' && socket.writable;
  } finally {
    socket.destroy();
  }
}
