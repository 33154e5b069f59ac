// Sockets to endpoints: in the clear, or secured before anybody speaks on them.
import net from 'node:net';
import type { Dial, Dialler } from '../exchange/dial.ts';
import { READ_BUFFER, readView } from '../exchange/read-buffer.ts';
import { dialTls } from './dial-tls.ts';

export const dial: Dial = (address, port, transport, dialler) =>
  transport.tls === null ? dialPlain(address, port, dialler) : dialTls(address, port, transport, dialler);

function dialPlain(address: string, port: number, dialler: Dialler): net.Socket {
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
}
