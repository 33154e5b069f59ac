// One listening socket: binds an address and a port, accepts, and hands on what it accepted.
import net from 'node:net';

/** How to bind. */
export interface AcceptorOptions {
  /** '' is every address, IPv6 and IPv4. */
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Several workers bind the same port and the kernel spreads connections over them. */
  readonly reusePort: boolean;
  readonly backlog: number;
  /** Takes an accepted socket. It is paused: not a byte was read. */
  readonly accepted: (socket: net.Socket) => void;
  /** Accepting failed once (out of file descriptors); the socket goes on listening. */
  readonly acceptFailed: (error: Error) => void;
}

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #server: net.Server;
  #closed = false;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    // Half-open, because a peer that has sent all of its request may close its side and still wants the answer.
    this.#server = net.createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true });
    this.#server.on('connection', options.accepted);
  }

  /** The port that is bound, or null before and after. */
  get port(): number | null {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? null : address.port;
  }

  /** Binds and starts to accept. Resolves to the error when that fails, to null otherwise. */
  listen(): Promise<NodeJS.ErrnoException | null> {
    const { address, port, reusePort, backlog, acceptFailed } = this.#options;
    const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null>();
    this.#server.once('error', resolve);
    this.#server.once('listening', () => {
      this.#server.off('error', resolve);
      this.#server.on('error', acceptFailed);
      // Closed while the address was looked up: a server does not remember that.
      if (this.#closed) this.#server.close();
      resolve(null);
    });
    this.#server.listen({ port, reusePort, backlog, ...(address === '' ? {} : { host: address }) });
    return promise;
  }

  /** Stops accepting at once. What was accepted lives on. */
  close(): void {
    this.#closed = true;
    this.#server.close();
  }
}
