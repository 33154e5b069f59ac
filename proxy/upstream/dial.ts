// Sockets to endpoints: in the clear, or secured before anybody speaks on them.
import net from 'node:net';
import type { Destination, Dial, Dialler } from '../exchange/dial.ts';
import { READ_BUFFER, readView } from '../exchange/read-buffer.ts';
import { dialTls } from './dial-tls.ts';

export const dial: Dial = (destination, dialler) =>
  destination.transport.tls === null ? dialPlain(destination, dialler) : dialTls(destination, dialler);

function dialPlain({ address, port, header }: Destination, dialler: Dialler): net.Socket {
  const socket = net.connect({
    host: address,
    port,
    noDelay: true,
    allowHalfOpen: true,
    onread: { buffer: READ_BUFFER, callback: (octets) => read(octets) },
  });
  const read = (octets: number): boolean => {
    dialler.data(readView(octets));
    return true;
  };
  // Waits in the socket for the connection, ahead of what anybody writes once they know of it.
  if (header !== null) socket.write(header);
  socket.once('connect', () => dialler.connected());
  return socket;
}
