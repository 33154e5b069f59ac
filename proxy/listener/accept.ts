// One listening socket: binds an address and a port, accepts connections, and passes them on.
import net from 'node:net';

/** The options of the socket. */
export interface AcceptorOptions {
  /** '' is all addresses, IPv6 and IPv4. */
  readonly address: string;
  /** 0 binds a free port. */
  readonly port: number;
  /** Several workers bind the same port, and the kernel distributes connections among them. */
  readonly reusePort: boolean;
  readonly backlog: number;
  /** Gets an accepted socket, paused before its first byte. */
  readonly accepted: (socket: net.Socket) => void;
  /** Accepting failed once (no file descriptors); the socket continues to listen. */
  readonly acceptFailed: (error: Error) => void;
}

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #server: net.Server;
  #closed = false;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    // Half-open: a peer that has sent its request may close its side and still expects the answer.
    this.#server = net.createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true });
    this.#server.on('connection', options.accepted);
  }

  /** The bound port, or null before and after. */
  get port(): number | null {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? null : address.port;
  }

  /** Binds and starts to accept. Resolves to the error, or to null. */
  listen(): Promise<NodeJS.ErrnoException | null> {
    const { address, port, reusePort, backlog, acceptFailed } = this.#options;
    const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null>();
    this.#server.once('error', resolve);
    this.#server.once('listening', () => {
      this.#server.off('error', resolve);
      this.#server.on('error', acceptFailed);
      // Closed during the look-up of the address, which a server does not notice.
      if (this.#closed) this.#server.close();
      resolve(null);
    });
    this.#server.listen({ port, reusePort, backlog, ...(address === '' ? {} : { host: address }) });
    return promise;
  }

  /** Stops accepting at once. Accepted connections stay open. */
  close(): void {
    this.#closed = true;
    this.#server.close();
  }
}
