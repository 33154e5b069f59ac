// Accepted sockets that read into one shared buffer. Node offers `onread` for outgoing connections only, so the handle of an
// accepted socket is wrapped anew: the one place that touches a name with an underscore (docs/adr/0003).
import net from 'node:net';

/** A socket as net.Server gives it when told to pause. */
interface WithHandle {
  _handle: object | null;
}

/** Options of net.Socket that its types leave out. */
type RawSocketOptions = net.SocketConstructorOpts & { handle: object };

/** Told of every read; the chunk is valid during the call only. */
export type OnData = (chunk: Buffer) => void;

/**
 * Moves an accepted, paused socket to one that reads into `buffer`. Null when this version of Node keeps the handle elsewhere:
 * the caller then uses the socket as it is, with data events.
 */
export function rawSocket(accepted: net.Socket, buffer: Buffer, onData: OnData): net.Socket | null {
  const holder = accepted as unknown as WithHandle;
  const handle = holder._handle;
  if (handle === null || typeof handle !== 'object') return null;
  holder._handle = null;
  const options: RawSocketOptions = {
    handle,
    allowHalfOpen: true,
    readable: true,
    writable: true,
    onread: {
      buffer,
      callback: (octets, chunk) => {
        onData((chunk as Buffer).subarray(0, octets));
        return true;
      },
    },
  };
  return new net.Socket(options);
}
