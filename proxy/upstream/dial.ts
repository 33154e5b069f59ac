// Sockets to endpoints.
import net from 'node:net';
import type { Dial } from '../exchange/dial.ts';
import { READ_BUFFER, readView } from '../exchange/read-buffer.ts';

export const dial: Dial = (address, port, _transport, dialler) => {
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
  socket.once('connect', () => dialler.connected());
  return socket;
};
