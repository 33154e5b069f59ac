// The connections of a floor to the origin: each serves one client connection at a time and is reused.
import net from 'node:net';

/** Takes an answer, or a part of it, as the latin1 text of its bytes. */
export type Receive = (text: string) => void;

/** The buffer for all reads of the process, as in Weir. */
export const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

export class OriginConnection {
  receive: Receive | null = null;
  readonly #socket: net.Socket;

  constructor(port: number) {
    const callback = (octets: number): boolean => {
      this.receive?.(READ_BUFFER.latin1Slice(0, octets));
      return true;
    };
    this.#socket = net.connect({ host: '127.0.0.1', port, noDelay: true, onread: { buffer: READ_BUFFER, callback } });
    this.#socket.on('error', () => undefined);
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }
}

/** A stack: the connection used last is used first. */
const idle: OriginConnection[] = [];

/** A connection to the origin. `release` returns it. */
export function acquire(port: number): OriginConnection {
  return idle.pop() ?? new OriginConnection(port);
}

/** The client has received its last answer. */
export function release(origin: OriginConnection): void {
  origin.receive = null;
  idle.push(origin);
}
