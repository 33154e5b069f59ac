// The floor for cleartext: two reads and two writes per request, heads and bodies copied unchanged, with the I/O of Weir (one buffer for
// all reads, strings for small writes), but without parsing, matching, counting or timing.
import net from 'node:net';
import { acquire, READ_BUFFER, release } from './floor-origins.ts';

const [listenPort, originPort] = process.argv.slice(2).map(Number);

type Handle = NonNullable<net.SocketConstructorOpts['handle']>;

/** An accepted socket that reads into the shared buffer: a new socket for its handle, since `net.Server` has no `onread`. */
function readingInto(accepted: net.Socket, receive: (octets: number) => void): net.Socket {
  const holder = accepted as unknown as { _handle: Handle | null };
  const handle = holder._handle as Handle;
  holder._handle = null;
  accepted.destroy();
  const callback = (octets: number): boolean => {
    receive(octets);
    return true;
  };
  return new net.Socket({ handle, onread: { buffer: READ_BUFFER, callback } });
}

net
  .createServer({ pauseOnConnect: true, noDelay: true }, (accepted) => {
    const origin = acquire(originPort as number);
    const client = readingInto(accepted, (octets) => origin.send(READ_BUFFER.latin1Slice(0, octets)));
    origin.receive = (text) => void client.write(text, 'latin1');
    client.on('error', () => undefined);
    client.on('close', () => release(origin));
  })
  .listen(listenPort, '127.0.0.1', 4_096);
