// Sockets to endpoints: in the clear, or secured before the first byte.
import net from 'node:net';
import type { Bugs } from '../exchange/bugs.ts';
import type { Destination, Dial, Dialler } from '../exchange/dial.ts';
import { READS } from '../exchange/read-buffer.ts';
import { dialTls } from './dial-tls.ts';
import { hearOut } from './hear-out.ts';

/** Opens connections. A bug that is met while one is read costs that connection. */
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
  // Waits in the socket for the connection, ahead of what is written once it is there.
  if (header !== null) socket.write(header);
  socket.once('connect', () => dialler.connected());
  return socket;
}
