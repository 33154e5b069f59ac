// One accepted connection: its properties for exchanges, and its codec.
import type net from 'node:net';
import type { ProxiedPeer } from '../codec/proxy-protocol/read.ts';
import type { Bugs } from '../exchange/bugs.ts';
import type { Limits } from '../exchange/limits.ts';
import type { DownstreamConnection, DownstreamTls } from '../exchange/exchange.ts';
import type { HandshakeTerms } from './handshake-terms.ts';
import type { Identity } from './identity.ts';

/** The interface of a codec for a connection. It adds its own listeners for drain, end, error and close to the socket. */
export interface ConnectionCodec {
  /** Takes received bytes. The chunk is valid only during the call. */
  data(chunk: Buffer): void;
  /** Makes the next answer the last, and announces that in it. A connection without a request stays open for one. */
  retire(): void;
  /** Finishes pending exchanges, informs the peer, and closes. */
  drain(): void;
  /** There is no exchange. */
  readonly idle: boolean;
}

/**
 * Creates the codec of a connection. Called once, before the first byte is read. A codec that detects another protocol in the first bytes
 * calls `become`.
 */
export type Connect = (socket: net.Socket, connection: Connection) => ConnectionCodec;

/** The prefix of an IPv4 address on a dual-stack socket. */
const MAPPED = '::ffff:';

/** The result of a handshake with its identity. */
export interface Secured {
  readonly facts: DownstreamTls;
  readonly identity: Identity;
}

/** The facts about a connection before its first request. */
export interface AcceptedConnection {
  /** Null without TLS, and for TLS that is passed through. */
  readonly secured: Secured | null;
  /** The client as reported by a balancer or by the kernel; null: the peer of the socket. */
  readonly peer: ProxiedPeer | null;
  /** The limits of its listener. */
  readonly limits: Limits;
}

export class Connection implements DownstreamConnection {
  readonly localPort: number;
  readonly tls: DownstreamConnection['tls'];
  /** The result of the handshake; null without TLS, and for TLS that is passed through. */
  readonly terms: HandshakeTerms | null;
  readonly socket: net.Socket;
  /** The limits of the listener when the connection started. */
  readonly limits: Limits;
  readonly #bugs: Bugs;
  #protocol: DownstreamConnection['protocol'];
  #codec: ConnectionCodec;
  // Addresses are system calls: read when an exchange first needs one, then cached.
  #remoteAddress: string | null = null;
  #remotePort: number | null = null;
  #localAddress: string | null = null;

  /** `port`: the listener's configured port, not the bound one. */
  constructor(socket: net.Socket, port: number, { secured, peer, limits }: AcceptedConnection, connect: Connect, bugs: Bugs) {
    this.socket = socket;
    this.#bugs = bugs;
    this.limits = limits;
    if (peer !== null) {
      this.#remoteAddress = peer.address;
      this.#remotePort = peer.port;
    }
    this.localPort = port;
    this.tls = secured === null ? null : secured.facts;
    this.terms = secured === null ? null : secured.identity.terms;
    this.#protocol = this.tls?.alpn === 'h2' ? 'h2' : 'http/1.1';
    this.#codec = connect(socket, this);
  }

  get protocol(): DownstreamConnection['protocol'] {
    return this.#protocol;
  }

  get codec(): ConnectionCodec {
    return this.#codec;
  }

  /** Takes received bytes, valid only during the call. A bug in the codec ends the connection, because its state is then unknown. */
  data(chunk: Buffer): void {
    try {
      this.#codec.data(chunk);
    } catch (bug) {
      this.#bugs.met(bug, 'downstream');
      this.socket.destroy();
    }
  }

  /** Switches to another protocol. The former codec keeps its listeners, but ignores their events. */
  become(protocol: DownstreamConnection['protocol'], connect: Connect): ConnectionCodec {
    this.#protocol = protocol;
    this.#codec = connect(this.socket, this);
    return this.#codec;
  }

  get remoteAddress(): string {
    return (this.#remoteAddress ??= plainAddress(this.socket.remoteAddress));
  }

  get remotePort(): number {
    return (this.#remotePort ??= this.socket.remotePort ?? 0);
  }

  get localAddress(): string {
    return (this.#localAddress ??= plainAddress(this.socket.localAddress));
  }
}

/** An address in canonical form; '' if the socket was closed before. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
}
