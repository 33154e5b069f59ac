// Sockets to endpoints, with or without TLS.
import net from 'node:net';
import type { Bugs } from '../exchange/bugs.ts';
import type { Destination, Dial, Dialler } from '../exchange/dial.ts';
import { ERRORS, withDetail } from '../exchange/errors.ts';
import { READS } from '../exchange/read-buffer.ts';
import { dialTls } from './dial-tls.ts';
import { hearOut } from './hear-out.ts';

/** Opens connections. A bug in the handling of received bytes ends that connection. */
export function createDial(bugs: Bugs): Dial {
  return (destination, dialler) => {
    const data = (chunk: Buffer): void => {
      try {
        dialler.data(chunk);
      } catch (bug) {
        bugs.met(bug, 'upstream');
        socket.destroy();
      }
    };
    const open = destination.transport.tls === null ? dialPlain : dialTls;
    const socket = hearOut(open(destination, dialler, data));
    return socket;
  };
}

function dialPlain({ address, port, header }: Destination, dialler: Dialler, data: (chunk: Buffer) => void): net.Socket {
  const read = (octets: number): boolean => {
    data(READS.view(octets));
    return true;
  };
  const socket = net.connect({ host: address, port, noDelay: true, allowHalfOpen: true, onread: { buffer: READS.bytes, callback: read } });
  // The socket buffers it until the connection is established, before later writes.
  if (header !== null) socket.write(header);
  // Counts only if it precedes the connection.
  socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => dialler.failing(withDetail(ERRORS.upstreamConnectFailed, code)));
  socket.once('connect', () => dialler.connected());
  return socket;
}
