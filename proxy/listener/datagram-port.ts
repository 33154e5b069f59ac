// One UDP port of the proxy: its sockets, and a session for each sending peer.
import dgram from 'node:dgram';
import { isIPv6 } from 'node:net';
import type * as ir from '#api/ir/ir.ts';
import { err, ok } from '#lib/result.ts';
import type { Result } from '#lib/result.ts';
import { Timer } from '#lib/timer-wheel.ts';
import type { BindingState } from '../exchange/binding-state.ts';
import { ERRORS } from '../exchange/errors.ts';
import { StreamSession } from '../exchange/stream-session.ts';
import { bindProblems, EVERY_ADDRESS, wantedAddresses } from './addresses.ts';
import { Bindings } from './bindings.ts';
import { plainAddress } from './connection.ts';
import { DatagramSession } from './datagram-session.ts';
import type { PortContext } from './port-context.ts';
import { bindingState } from './problem.ts';
import type { ListenerProblem } from './problem.ts';

/** A socket with its sessions, by `<address>|<port>` of the peer. */
interface Bound {
  readonly socket: dgram.Socket;
  readonly sessions: Map<string, DatagramSession>;
}

export class DatagramPort {
  readonly number: number;
  readonly #context: PortContext;
  readonly #bindings: Bindings<Bound>;
  /** Sockets that are not needed any more, open for the last answers. */
  readonly #leaving = new Set<Bound>();
  readonly #deadline: Timer;
  readonly #closed = Promise.withResolvers<void>();
  #listeners: readonly ir.Listener[] = [];
  #retired = false;

  constructor(number: number, context: PortContext) {
    this.number = number;
    this.#context = context;
    this.#deadline = new Timer(() => this.cut());
    this.#bindings = new Bindings<Bound>({
      wheel: context.wheel,
      open: (address) => this.#bind(address),
      close: (bound) => this.#leave(bound),
      changed: context.bindingsChanged,
    });
  }

  /** The bound port, or null. */
  get bound(): number | null {
    for (const { socket } of this.#bindings.sockets) return socket.address().port;
    return null;
  }

  /** The addresses that are bound, and those that are not. */
  get bindingState(): BindingState {
    return bindingState({ port: this.number, transport: 'UDP' }, this.#bindings.size, this.#bindings.failures);
  }

  /**
   * Serves these listeners from now on. A datagram does not identify its listener, so the first listener by key owns the port. Resolves to
   * the problems.
   */
  async update(listeners: readonly ir.Listener[]): Promise<ListenerProblem[]> {
    const [first, ...others] = listeners.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    this.#listeners = first === undefined ? [] : [first];
    const conflicts = others.map(({ key, port }): ListenerProblem => {
      return { listener: key, reason: 'ProtocolConflict', message: `listener ${first?.key ?? ''} has the same datagrams of port ${port}` };
    });
    const { bindAddress } = this.#context;
    await this.#bindings.want(wantedAddresses(this.#listeners, bindAddress));
    return [...conflicts, ...bindProblems(this.#listeners, this.#bindings.failures, bindAddress)];
  }

  /** Accepts nothing new, and lets last answers pass for up to `grace` ms. Resolves when every socket is closed. */
  retire(grace: number): Promise<void> {
    if (this.#retired) return this.#closed.promise;
    this.#retired = true;
    void this.#bindings.want(new Set());
    this.#context.wheel.arm(this.#deadline, Math.max(1, grace));
    this.#settle();
    return this.#closed.promise;
  }

  /** Ends every session. */
  cut(): void {
    for (const { sessions } of [...this.#bindings.sockets, ...this.#leaving]) {
      for (const session of sessions.values()) session.end(ERRORS.connectionCut);
    }
  }

  async #bind(address: string): Promise<Result<Bound, NodeJS.ErrnoException>> {
    const socket = await this.#open(address);
    if (!socket.ok) return socket;
    const bound: Bound = { socket: socket.value, sessions: new Map() };
    bound.socket.on('message', (message, peer) => this.#received(bound, message, peer));
    bound.socket.on('error', this.#context.acceptFailed);
    return ok(bound);
  }

  async #open(address: string): Promise<Result<dgram.Socket, NodeJS.ErrnoException>> {
    const { bindPort, reusePort, claimPort } = this.#context;
    const port = bindPort(this.number);
    const refusal = await claimPort({ transport: 'UDP', address, port });
    if (refusal !== null) return err(refusal);
    if (address !== EVERY_ADDRESS) return open(isIPv6(address) ? 'udp6' : 'udp4', address, port, reusePort);
    // `::` also serves IPv4 peers.
    const both = await open('udp6', '::', port, reusePort);
    return !both.ok && both.error.code !== 'EADDRINUSE' ? open('udp4', '0.0.0.0', port, reusePort) : both;
  }

  #leave(bound: Bound): void {
    this.#leaving.add(bound);
    for (const session of bound.sessions.values()) session.drain();
    if (bound.sessions.size === 0) this.#close(bound);
  }

  #received(bound: Bound, message: Buffer, peer: dgram.RemoteInfo): void {
    const key = `${peer.address}|${peer.port}`;
    const target = this.#target();
    let session = bound.sessions.get(key);
    if (session !== undefined && !session.follows(target.plan)) {
      session.end(null);
      session = undefined;
    }
    session ??= this.#leaving.has(bound) ? undefined : this.#begin(bound, key, peer, target);
    session?.datagram(message);
  }

  #target(): StreamSession['target'] {
    const found = this.#context.findStream(
      this.#listeners.map(({ key }) => key),
      '',
    );
    return { protocol: 'udp', serverName: '', listener: found?.listener ?? '', plan: found?.plan ?? null, clientIdentity: null };
  }

  #begin(bound: Bound, key: string, peer: dgram.RemoteInfo, target: StreamSession['target']): DatagramSession | undefined {
    const { datagramLimit, splice } = this.#context;
    if (!datagramLimit.enter()) return undefined;
    const owner = {
      reply: (message: Buffer) => reply(bound.socket, message, peer, splice.limits.maxBufferedBytes),
      ended: () => {
        datagramLimit.leave();
        if (bound.sessions.get(key) === session) bound.sessions.delete(key);
        if (this.#leaving.has(bound) && bound.sessions.size === 0) this.#close(bound);
      },
    };
    const session = new DatagramSession(new StreamSession({ remoteAddress: plainAddress(peer.address), tls: null }, target), owner, splice);
    bound.sessions.set(key, session);
    session.open();
    return session;
  }

  #close(bound: Bound): void {
    this.#leaving.delete(bound);
    bound.socket.close();
    this.#settle();
  }

  #settle(): void {
    if (!this.#retired || this.#leaving.size > 0) return;
    this.#context.wheel.disarm(this.#deadline);
    this.#closed.resolve();
  }
}

/** A reply that cannot be sent is lost, which is normal for datagrams; the socket stays open. */
function reply(socket: dgram.Socket, message: Buffer, peer: dgram.RemoteInfo, maxQueued: number): void {
  if (socket.getSendQueueSize() <= maxQueued) socket.send(message, peer.port, peer.address, ignore);
}

async function open(
  type: 'udp4' | 'udp6',
  address: string,
  port: number,
  reusePort: boolean,
): Promise<Result<dgram.Socket, NodeJS.ErrnoException>> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException | null>();
  const socket = dgram.createSocket({ type, reusePort });
  socket.once('error', resolve);
  socket.bind({ port, address }, () => resolve(null));
  const error = await promise;
  socket.off('error', resolve);
  if (error === null) return ok(socket);
  socket.close();
  return err(error);
}

function ignore(): void {
  // A peer that waits for the answer sends its request again.
}
