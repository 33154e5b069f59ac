// One port of the proxy: the listeners that share it, the sockets that are bound for it, and the connections that came in.
//
//   open ──retire──> retiring (accepts nothing, every codec drains) ──last connection gone, or deadline──> closed
import type net from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import { Timer } from '#lib/timer-wheel.ts';
import { Acceptor } from './accept.ts';
import { Connection } from './connection.ts';
import { bindProblem } from './problem.ts';
import type { ListenerProblem } from './problem.ts';
import { startReading } from './raw-socket.ts';
import type { PortContext } from './port-context.ts';

/** Stands for every address of the machine. */
const EVERY_ADDRESS = '';

export class Port {
  /** The port in the configuration of its listeners. */
  readonly number: number;
  readonly #context: PortContext;
  /** By address. A socket stays as long as any listener wants its address. */
  readonly #acceptors = new Map<string, Acceptor>();
  readonly #connections = new Set<Connection>();
  readonly #deadline: Timer;
  readonly #closed = Promise.withResolvers<void>();
  #listeners: readonly ir.Listener[] = [];
  #retired = false;

  constructor(number: number, context: PortContext) {
    this.number = number;
    this.#context = context;
    this.#deadline = new Timer(() => this.cut());
  }

  /** The port that is really bound, or null while nothing is. */
  get bound(): number | null {
    for (const acceptor of this.#acceptors.values()) {
      if (acceptor.port !== null) return acceptor.port;
    }
    return null;
  }

  get connections(): number {
    return this.#connections.size;
  }

  /** Serves these listeners from now on: binds addresses that are new, closes those nobody wants. Resolves to what is wrong. */
  async update(listeners: readonly ir.Listener[]): Promise<ListenerProblem[]> {
    this.#listeners = listeners;
    const wanted = wantedAddresses(listeners);
    // First close: a socket on one address keeps every address from being bound.
    for (const [address, acceptor] of this.#acceptors) {
      if (!wanted.has(address)) this.#forget(address, acceptor);
    }
    const missing = [...wanted].filter((address) => !this.#acceptors.has(address));
    const problems = await Promise.all(missing.map((address) => this.#bind(address)));
    return problems.flat();
  }

  /** Stops accepting and lets every connection finish; cuts what is left after `grace` ms. Resolves when all are gone. */
  retire(grace: number): Promise<void> {
    if (this.#retired) return this.#closed.promise;
    this.#retired = true;
    for (const [address, acceptor] of this.#acceptors) this.#forget(address, acceptor);
    for (const connection of this.#connections) connection.codec.drain();
    this.#context.wheel.arm(this.#deadline, grace);
    this.#settle();
    return this.#closed.promise;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const connection of this.#connections) connection.socket.destroy();
  }

  async #bind(address: string): Promise<ListenerProblem[]> {
    const { bindPort, reusePort, backlog, acceptFailed } = this.#context;
    const acceptor = new Acceptor({
      address,
      port: bindPort(this.number),
      reusePort,
      backlog,
      acceptFailed,
      accepted: (socket) => this.#accepted(socket),
    });
    this.#acceptors.set(address, acceptor);
    const error = await acceptor.listen();
    if (error === null) return [];
    // Forgotten, so that the next update tries again.
    if (this.#acceptors.get(address) === acceptor) this.#acceptors.delete(address);
    return this.#listeners.filter((listener) => wants(listener, address)).map((listener) => bindProblem(listener.key, error));
  }

  #forget(address: string, acceptor: Acceptor): void {
    acceptor.close();
    this.#acceptors.delete(address);
  }

  #accepted(accepted: net.Socket): void {
    const { limit, connect } = this.#context;
    if (!limit.enter()) {
      accepted.resetAndDestroy();
      return;
    }
    const socket = startReading(accepted, (chunk) => connection.codec.data(chunk));
    const connection = new Connection(socket, this.number, null, connect);
    this.#connections.add(connection);
    socket.on('close', () => this.#gone(connection));
  }

  #gone(connection: Connection): void {
    this.#context.limit.leave();
    this.#connections.delete(connection);
    this.#settle();
  }

  #settle(): void {
    if (!this.#retired || this.#connections.size > 0) return;
    this.#context.wheel.disarm(this.#deadline);
    this.#closed.resolve();
  }
}

/** The addresses to bind. One listener that wants every address covers those that want some. */
function wantedAddresses(listeners: readonly ir.Listener[]): Set<string> {
  if (listeners.some((listener) => listener.addresses.length === 0)) return new Set([EVERY_ADDRESS]);
  return new Set(listeners.flatMap((listener) => listener.addresses));
}

function wants(listener: ir.Listener, address: string): boolean {
  return address === EVERY_ADDRESS || listener.addresses.includes(address);
}
