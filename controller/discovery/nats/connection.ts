// A connection to one NATS server: handshake, subscriptions, requests, liveness. Any fault ends it; its user opens another one.
//
//   dial ──> INFO ──> (TLS) ──> CONNECT, PING ──PONG──> open ──fault, silence, close()──> closed
//
// The client libraries of NATS are not used here: they limit neither the length of INFO nor the memory that messages take, wait forever
// after invalid bytes, and connect to addresses that the server sends.
import net from 'node:net';
import tls from 'node:tls';
import { WEIR_VERSION } from '#lib/version.ts';
import { checkHost, guardedLookup, quoted, RefusedDestination, secureOptions } from '#lib/destination.ts';
import type { AddressGuard, ServerTls } from '#lib/destination.ts';
import type { FaultReason } from '../source.ts';
import type { NatsLogin } from './credentials.ts';
import { NatsParser, ProtocolFault } from './parser.ts';
import type { NatsMessage, ServerOperation } from './parser.ts';

/** Where and how to connect. */
export interface NatsServer {
  readonly host: string;
  readonly port: number;
  /** Null: TLS only if the server requires it. */
  readonly tls: ServerTls | null;
  /** TLS begins at once, not after the INFO of the server. */
  readonly handshakeFirst: boolean;
  readonly login: NatsLogin;
  readonly guard: AddressGuard;
}

/** Limits and times (milliseconds) of a connection. */
export interface NatsLimits {
  /** From the start to the open connection. */
  readonly connect: number;
  /** Between two pings. Two without an answer end the connection. */
  readonly ping: number;
  /** The largest message in bytes. */
  readonly payload: number;
  /** How many bytes the server may send between two pings. */
  readonly flow: number;
}

export const NATS_LIMITS: NatsLimits = { connect: 5_000, ping: 10_000, payload: 1_048_576, flow: 64 * 1_048_576 };

/** Why there is no connection, or none any more. The message completes "the server ...". */
export class NatsFault extends Error {
  readonly reason: FaultReason;

  constructor(message: string, reason: FaultReason = 'LookupFailed') {
    super(message);
    this.reason = reason;
  }
}

type Receive = (message: NatsMessage) => void;

const UNANSWERED_PINGS = 2;
const MAX_UNSENT_BYTES = 1_048_576;
/** A nonce is signed with the user's key, so it must look like one. */
const NONCE = /^[\w+/=-]{0,128}$/;

export class NatsConnection {
  readonly #server: NatsServer;
  readonly #limits: NatsLimits;
  readonly #parser: NatsParser;
  readonly #subscriptions = new Map<number, Receive>();
  readonly #opened = Promise.withResolvers<void>();
  readonly #whenClosed = new Set<(fault: NatsFault) => void>();
  #fault: NatsFault | null = null;
  #socket: net.Socket;
  #state: 'greeting' | 'connecting' | 'open' | 'closed' = 'greeting';
  #timer: NodeJS.Timeout;
  #nonce = '';
  #pings = 0;
  /** Bytes since the last ping. */
  #received = 0;
  #numbers = 0;

  /** Resolves once the server has accepted the credentials. Rejects with a NatsFault, and when the signal is aborted. */
  static async open(server: NatsServer, signal: AbortSignal, limits: NatsLimits = NATS_LIMITS): Promise<NatsConnection> {
    const connection = new NatsConnection(server, limits);
    const abort = (): void => connection.close();
    signal.addEventListener('abort', abort, { once: true });
    connection.whenClosed(() => signal.removeEventListener('abort', abort));
    if (signal.aborted) abort();
    await connection.#opened.promise;
    return connection;
  }

  private constructor(server: NatsServer, limits: NatsLimits) {
    this.#server = server;
    this.#limits = limits;
    this.#parser = new NatsParser(limits.payload);
    this.#timer = setTimeout(() => this.#end(new NatsFault('does not answer')), limits.connect);
    this.#opened.promise.catch(() => undefined);
    this.#socket = new net.Socket();
    this.#dial();
  }

  /** Calls back with the reason once the connection is closed, or at once. Returns the end of the wait. */
  whenClosed(callback: (fault: NatsFault) => void): () => void {
    if (this.#fault !== null) callback(this.#fault);
    else this.#whenClosed.add(callback);
    return () => this.#whenClosed.delete(callback);
  }

  /** Calls `receive` with each message of a subject. Returns the end of the subscription. */
  subscribe(subject: string, receive: Receive): () => void {
    const number = ++this.#numbers;
    this.#subscriptions.set(number, receive);
    this.#send(`SUB ${subject} ${number}\r\n`);
    return () => {
      if (this.#subscriptions.delete(number)) this.#send(`UNSUB ${number}\r\n`);
    };
  }

  /** Sends a message. `reply`: where answers are expected; '' for nowhere. */
  publish(subject: string, payload: string, reply = ''): void {
    this.#send(`PUB ${subject} ${reply === '' ? '' : `${reply} `}${Buffer.byteLength(payload)}\r\n${payload}\r\n`);
  }

  /** A subject for answers to this connection only. */
  inbox(): string {
    return `_INBOX.${crypto.randomUUID().replaceAll('-', '')}`;
  }

  /** Sends a request and resolves to the first answer. Rejects with a NatsFault without one in time. */
  async request(subject: string, payload: string): Promise<NatsMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<NatsMessage>();
    const inbox = this.inbox();
    const unsubscribe = this.subscribe(inbox, resolve);
    const timer = setTimeout(() => reject(new NatsFault(`does not answer a request to ${subject}`)), this.#limits.connect);
    const settle = this.whenClosed(reject);
    this.publish(subject, payload, inbox);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      settle();
      unsubscribe();
    }
  }

  /** Closes the connection at once. */
  close(): void {
    this.#end(new NatsFault('is not needed any more'));
  }

  // --- handshake

  #dial(): void {
    const { host, port, guard, handshakeFirst } = this.#server;
    this.#take(this.#socket);
    try {
      checkHost(host, guard);
      this.#socket.connect({ host, port, lookup: guardedLookup(guard) });
      if (handshakeFirst) this.#socket.once('connect', () => this.#secure());
    } catch (error) {
      this.#end(faultOf(error));
    }
  }

  #take(socket: net.Socket): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', (error) => this.#end(faultOf(error)));
    socket.on('close', () => this.#end(new NatsFault('closes the connection')));
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  /** Continues with TLS. Bytes that came before could be anyone's. */
  #secure(): void {
    if (this.#parser.isWithin) return this.#end(new NatsFault('sends bytes before the handshake of TLS'));
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const { host, tls: material, handshakeFirst } = this.#server;
    const secure = tls.connect({ socket: plain, ...tlsOptions(host, material ?? {}) });
    this.#take(secure);
    if (!handshakeFirst) secure.once('secureConnect', () => this.#login());
  }

  #greeted(info: Readonly<Record<string, unknown>>): void {
    // Later greetings tell of other servers, which are not used.
    if (this.#state !== 'greeting') return;
    this.#state = 'connecting';
    const { nonce } = info;
    this.#nonce = typeof nonce === 'string' && NONCE.test(nonce) ? nonce : '';
    if (this.#socket instanceof tls.TLSSocket) return this.#login();
    const isRequired = info['tls_required'] === true;
    const isWanted = this.#server.tls !== null;
    if (isWanted && !isRequired && info['tls_available'] !== true) this.#end(new NatsFault('does not offer TLS'));
    else if (isWanted || isRequired) this.#secure();
    else this.#login();
  }

  #login(): void {
    const options = {
      verbose: false,
      pedantic: false,
      protocol: 1,
      headers: true,
      no_responders: true,
      name: 'weir',
      lang: 'weir',
      version: WEIR_VERSION,
    };
    const secure = { tls_required: this.#socket instanceof tls.TLSSocket };
    this.#send(`CONNECT ${JSON.stringify({ ...options, ...secure, ...this.#server.login(this.#nonce) })}\r\nPING\r\n`);
  }

  #welcomed(): void {
    this.#pings = 0;
    if (this.#state !== 'connecting') return;
    this.#state = 'open';
    clearTimeout(this.#timer);
    this.#timer = setInterval(() => this.#ping(), this.#limits.ping);
    this.#opened.resolve();
  }

  // --- messages

  #receive(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#received > this.#limits.flow) return this.#end(new NatsFault(`sends more than ${this.#limits.flow} bytes at once`));
    try {
      for (const operation of this.#parser.push(chunk)) {
        if (this.#state === 'closed') return;
        this.#handle(operation);
      }
    } catch (error) {
      this.#end(error instanceof ProtocolFault ? new NatsFault(error.message) : faultOf(error));
    }
  }

  #handle(operation: ServerOperation): void {
    switch (operation.type) {
      case 'message':
        return this.#subscriptions.get(operation.message.subscription)?.(operation.message);
      case 'info':
        return this.#greeted(operation.info);
      case 'ping':
        return this.#send('PONG\r\n');
      case 'pong':
        return this.#welcomed();
      case 'error':
        return this.#end(refusal(operation.text));
      case 'ok':
        return;
    }
  }

  #ping(): void {
    this.#received = 0;
    if (this.#pings++ >= UNANSWERED_PINGS) this.#end(new NatsFault('does not answer'));
    else this.#send('PING\r\n');
  }

  #send(text: string): void {
    if (this.#state === 'closed') return;
    this.#socket.write(text);
    // A server that reads nothing.
    if (this.#socket.writableLength > MAX_UNSENT_BYTES) this.#end(new NatsFault('does not read what it gets'));
  }

  #end(fault: NatsFault): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#fault = fault;
    clearTimeout(this.#timer);
    this.#subscriptions.clear();
    this.#socket.destroy();
    this.#opened.reject(fault);
    for (const callback of this.#whenClosed) callback(fault);
    this.#whenClosed.clear();
  }
}

function tlsOptions(host: string, material: ServerTls): tls.ConnectionOptions {
  const name = material.serverName ?? (net.isIP(host) === 0 ? host : undefined);
  // An address instead of a name is compared with the addresses in the certificate.
  return { ...(name === undefined ? { host } : { servername: name }), ...secureOptions(material) };
}

function refusal(text: string): NatsFault {
  const isDenied = /authori[sz]ation|authentication|permissions violation|user jwt/i.test(text);
  return new NatsFault(`answers: ${quoted(text)}`, isDenied ? 'AccessDenied' : 'LookupFailed');
}

function faultOf(error: unknown): NatsFault {
  if (error instanceof RefusedDestination) return new NatsFault(error.message, 'AddressRefused');
  const { code, message } = error as { readonly code?: unknown; readonly message: string };
  return new NatsFault(`cannot be reached: ${typeof code === 'string' ? code : quoted(message)}`);
}
