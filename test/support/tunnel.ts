// A TCP hop between two parts of a test, whose connections can be cut as by a broken network.
import { once } from 'node:events';
import net from 'node:net';

export class Tunnel {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();

  private constructor(host: string, port: number) {
    this.#server = net.createServer((inner) => {
      const outer = net.connect(port, host);
      for (const [socket, other] of [
        [inner, outer],
        [outer, inner],
      ] as const) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
        socket.pipe(other);
      }
    });
  }

  /** Listens on a port of the same address, so that certificates stay valid. */
  static async start(host: string, port: number): Promise<Tunnel> {
    const tunnel = new Tunnel(host, port);
    tunnel.#server.listen(0, host);
    await once(tunnel.#server, 'listening');
    return tunnel;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Cuts every connection; new ones pass. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cut();
    await once(this.#server.close(), 'close');
  }
}
