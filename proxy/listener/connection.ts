// One accepted connection: what exchanges may know of it, and the codec that speaks on it.
import type net from 'node:net';
import type { ProxiedPeer } from '../codec/proxy-protocol/read.ts';
import type { Bugs } from '../exchange/bugs.ts';
import type { Limits } from '../exchange/limits.ts';
import type { DownstreamConnection, DownstreamTls } from '../exchange/exchange.ts';
import type { HandshakeTerms } from './handshake-terms.ts';
import type { Identity } from './identity.ts';

/** What a codec does for a connection. It attaches its own listeners for drain, end, error and close to the socket. */
export interface ConnectionCodec {
  /** Takes bytes as they come. The chunk is valid during the call only. */
  data(chunk: Buffer): void;
  /** Lets the next answer be the last, and tells the peer so with it. A connection without a request stays open for one. */
  retire(): void;
  /** Finishes what is in flight, tells the peer, and closes. */
  drain(): void;
  /** No exchange is in flight. */
  readonly idle: boolean;
}

/**
 * Puts a codec on a connection. Called once, before the first byte is read. A codec that sees in the first bytes that another
 * one is meant calls `become`.
 */
export type Connect = (socket: net.Socket, connection: Connection) => ConnectionCodec;

/** Prefix of an IPv4 address as a dual-stack socket reports it. */
const MAPPED = '::ffff:';

/** What a handshake led to, and with which certificates and terms. */
export interface Secured {
  readonly facts: DownstreamTls;
  readonly identity: Identity;
}

/** What was learnt of a connection before anything is spoken on it. */
export interface AcceptedConnection {
  /** Null on cleartext, and where TLS is passed through. */
  readonly secured: Secured | null;
  /** The client, as a balancer told or the kernel did; null: the other end of the socket. */
  readonly peer: ProxiedPeer | null;
  /** What its listener holds connections to. */
  readonly limits: Limits;
}

export class Connection implements DownstreamConnection {
  readonly localPort: number;
  readonly tls: DownstreamConnection['tls'];
  /** Of the handshake; null on cleartext, and where TLS is passed through. */
  readonly terms: HandshakeTerms | null;
  readonly socket: net.Socket;
  /** What the listener held connections to when this one began. */
  readonly limits: Limits;
  readonly #bugs: Bugs;
  #protocol: DownstreamConnection['protocol'];
  #codec: ConnectionCodec;
  // Addresses are system calls: asked for when an exchange first wants one, then kept for those that follow.
  #remoteAddress: string | null = null;
  #remotePort: number | null = null;
  #localAddress: string | null = null;

  /** `port`: the one in the listener's configuration, whatever port the socket is bound to. */
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

  /** Takes bytes as they come, during the call only. A bug that its codec meets costs this connection, whose state is unknown then. */
  data(chunk: Buffer): void {
    try {
      this.#codec.data(chunk);
    } catch (bug) {
      this.#bugs.met(bug, 'downstream');
      this.socket.destroy();
    }
  }

  /** Speaks another protocol from now on. The former codec keeps its listeners and does nothing by them. */
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

/** An address as people write it; '' when the socket was gone before anyone asked. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith(MAPPED) && address.includes('.') ? address.slice(MAPPED.length) : address;
}
