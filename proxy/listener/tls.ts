// TLS of one connection, from accept to the first decrypted byte, or to the server name if the connection is passed through.
//
//   hello ──complete, and the name is served──> handshake ──secure──> done (the caller has the TLS socket)
//     ├ to be passed through: done (the caller has the socket, and the bytes read so far)
//     │ not TLS; name refused;                           │ error, deadline
//     │ plain HTTP refused with 400                      │
//     └──────────────────> gone <────────────────────────┘
//
// The ClientHello is read before OpenSSL gets it. SNICallback would spare that, but it can switch to a single certificate only
// (ECDSA and RSA side by side do not work), cannot send an alert, cannot change anything else of the connection, and its
// exceptions were CVE-2026-21637. A handshake costs the same either way: 450 us of CPU, within the noise of a few percent.
import type net from 'node:net';
import tls from 'node:tls';
import { Timer } from '#lib/timer-wheel.ts';
import { readClientCertificate } from './client-certificate.ts';
import { readClientHello } from './client-hello.ts';
import type { Secured } from './connection.ts';
import { startReading, stopReading } from './direct-reads.ts';
import type { DownstreamTls } from '../exchange/exchange.ts';
import type { Identity } from './identity.ts';
import type { Timers } from './port-context.ts';
import { CHALLENGE_PROTOCOL } from './challenges.ts';
import { staple } from './tls-internals.ts';

/** The ways in which a handshake can fail. */
export type HandshakeFailure = 'not_tls' | 'plain_http' | 'unknown_name' | 'client_certificate' | 'timeout' | 'tls_error' | 'closed';

/**
 * Terminate with an identity, for HTTP or for any protocol inside; or pass the connection through; or answer a challenge with a certificate
 * and close; or refuse the name, with an alert or by closing.
 */
export type HandshakeVerdict =
  | { readonly action: 'terminate'; readonly identity: Identity; readonly http: boolean }
  | { readonly action: 'pass' }
  | { readonly action: 'challenge'; readonly context: tls.SecureContext }
  | { readonly action: 'refuse'; readonly alert: boolean };

export interface HandshakeOptions {
  /** The decision for a server name. `hello` has the bytes read, valid only during the call. */
  readonly decide: (serverName: string, hello: Buffer) => HandshakeVerdict;
  readonly wheel: Timers;
  /** From accept to the end of the handshake, milliseconds. */
  readonly timeout: number;
  /** The handshake is complete. No byte after it was read. */
  readonly secured: (socket: tls.TLSSocket, secured: Secured) => void;
  /** Whether a connection with an identity may carry requests for a host. */
  readonly vouches: (shown: Identity, host: string) => boolean;
  /** The connection is passed through: `hello` has the bytes read, valid only during the call, and the socket is paused. */
  readonly passed: (hello: Buffer) => void;
  /** The handshake of a challenge is complete; the connection is closing. */
  readonly answered: (version: string) => void;
  /** The handshake failed; the connection is closed or closing. */
  readonly failed: (reason: HandshakeFailure) => void;
}

/** A fatal alert without encryption, before keys are negotiated: unrecognized_name (RFC 6066 section 3). */
const UNRECOGNIZED_NAME = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 112]);

const PLAIN_HTTP_TEXT = 'This port speaks HTTPS\n';
const PLAIN_HTTP = [
  'HTTP/1.1 400 Bad Request',
  'content-type: text/plain',
  `content-length: ${PLAIN_HTTP_TEXT.length}`,
  'connection: close',
  '',
  PLAIN_HTTP_TEXT,
].join('\r\n');

export class Handshake {
  readonly #accepted: net.Socket;
  readonly #options: HandshakeOptions;
  readonly #deadline: Timer;
  /** The start of a ClientHello. */
  #bytes: Buffer | null = null;
  /** The received bytes were evaluated. */
  #judged = false;
  #over = false;

  /** On the accepted socket. */
  constructor(accepted: net.Socket, options: HandshakeOptions) {
    this.#accepted = accepted;
    this.#options = options;
    this.#deadline = new Timer(() => (this.#over ? this.cut() : this.#fail('timeout')));
    options.wheel.arm(this.#deadline, options.timeout);
    // Permanent on the raw socket: a reset between two owners must not become an unhandled 'error' (CVE-2025-59465).
    accepted.on('error', ignore);
    accepted.on('close', () => this.#closed());
    // A client that closes its side during the handshake can never finish it, and half-open sockets do not close by themselves.
    accepted.on('end', this.#ended);
  }

  /** Starts to read. `early`: bytes that were read before, valid only during the call. */
  start(early: Buffer): void {
    startReading(this.#accepted, this.#received);
    if (early.length > 0) this.#received(early);
  }

  /** Abandons the connection. */
  cut(): void {
    this.#accepted.destroy();
  }

  readonly #received = (chunk: Buffer): void => {
    if (this.#judged) return;
    const bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk]);
    const hello = readClientHello(bytes);
    if (hello.kind === 'incomplete') {
      this.#bytes = this.#bytes === null ? Buffer.from(chunk) : bytes;
      return;
    }
    this.#bytes = null;
    this.#judged = true;
    if (hello.kind === 'hello') this.#answer(hello.serverName, bytes);
    else if (isMethod(bytes)) this.#refusePlain();
    else this.#fail('not_tls');
  };

  readonly #ended = (): void => {
    if (!this.#over) this.#fail('closed');
  };

  /** `bytes` are valid only during the call. */
  #answer(serverName: string, bytes: Buffer): void {
    const accepted = this.#accepted;
    accepted.pause();
    const verdict = this.#options.decide(serverName, bytes);
    if (verdict.action === 'refuse') return this.#refuse(verdict.alert);
    if (verdict.action === 'pass') return this.#pass(bytes);
    // The TLS socket reads the buffer of the socket that it wraps before it reads from the network.
    accepted.unshift(Buffer.from(bytes));
    if (verdict.action === 'challenge') return this.#answerChallenge(verdict.context);
    const { identity } = verdict;
    const socket = this.#wrap(optionsOf(identity, verdict.http));
    const response = identity.staple(bytes);
    if (response !== null) staple(socket, response);
    socket.on('secure', () => this.#secured(socket, serverName, identity));
  }

  #wrap(options: tls.TLSSocketOptions): tls.TLSSocket {
    const accepted = this.#accepted;
    const socket = new tls.TLSSocket(accepted, options);
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(reasonOf(error)));
    // After the handshake Node reports unreadable records by this event only, and continues as if no data had arrived.
    socket.on('_tlsError', (error: Error) => socket.destroy(error));
    socket.on('end', this.#ended);
    // The accepted socket is closed already: none of its listeners misses the end.
    socket.on('close', () => {
      release(socket);
      release(accepted);
    });
    return socket;
  }

  /** RFC 8737 section 3: the certificate is the answer, and no data follows. */
  #answerChallenge(secureContext: tls.SecureContext): void {
    const socket = this.#wrap({ isServer: true, secureContext, ALPNProtocols: [CHALLENGE_PROTOCOL] });
    socket.on('secure', () => {
      if (this.#over) return;
      this.#over = true;
      this.#options.answered(socket.getProtocol() ?? '');
      // The deadline continues, in case the peer does not close its side.
      socket.end();
    });
  }

  #pass(hello: Buffer): void {
    this.#over = true;
    this.#options.wheel.disarm(this.#deadline);
    this.#options.passed(hello);
  }

  #refuse(alert: boolean): void {
    this.#settle('unknown_name');
    if (!alert) return void this.#accepted.destroy();
    // The deadline continues, in case the peer does not even read the alert.
    this.#accepted.end(UNRECOGNIZED_NAME, () => this.#accepted.destroy());
  }

  /**
   * Browsers show a sentence instead of a failed connection. Further bytes are read and discarded, so that no reset overtakes the answer.
   */
  #refusePlain(): void {
    this.#settle('plain_http');
    this.#accepted.end(PLAIN_HTTP);
  }

  #secured(socket: tls.TLSSocket, serverName: string, identity: Identity): void {
    if (this.#over) return;
    const { terms } = identity;
    const clientCertificate = terms.trust === null ? null : readClientCertificate(socket);
    if (terms.trust?.required === true && clientCertificate?.verified !== true) return this.#refuseClient();
    this.#over = true;
    const { wheel, secured, vouches } = this.#options;
    wheel.disarm(this.#deadline);
    const facts: DownstreamTls = {
      serverName,
      version: socket.getProtocol() ?? '',
      cipher: socket.getCipher().name,
      alpn: socket.alpnProtocol || '',
      clientCertificate,
      vouches: (host) => vouches(identity, host),
    };
    secured(socket, { facts, identity });
  }

  /** OpenSSL has finished, and Node cannot send an alert after that. */
  #refuseClient(): void {
    this.#settle('client_certificate');
    this.#accepted.destroy();
  }

  /** After the handshake the codec handles errors of the TLS socket; its 'close' has all information. */
  #fail(reason: HandshakeFailure): void {
    this.#settle(reason);
    // After a failure of OpenSSL an alert is being sent, and the TLS socket closes by itself.
    if (reason !== 'tls_error' && reason !== 'client_certificate') this.#accepted.destroy();
  }

  #settle(reason: HandshakeFailure): void {
    if (this.#over) return;
    this.#over = true;
    this.#options.failed(reason);
  }

  #closed(): void {
    this.#options.wheel.disarm(this.#deadline);
    this.#settle('closed');
  }
}

function optionsOf({ context, terms, alpn }: Identity, http: boolean): tls.TLSSocketOptions {
  return {
    isServer: true,
    secureContext: context,
    requestCert: terms.trust !== null,
    rejectUnauthorized: terms.trust?.required ?? false,
    // The proxy does not choose a protocol for a stream inside TLS; only its peers know it.
    ...(http && { ALPNProtocols: alpn }),
  };
}

function reasonOf(error: NodeJS.ErrnoException): HandshakeFailure {
  if (error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return 'client_certificate';
  return error.syscall === undefined ? 'tls_error' : 'closed';
}

/**
 * Releases all references of a closed socket. Node holds the objects below TLS until the next full collection, and each collection of young
 * objects copies what they refer to: 8 KiB and 25 us per connection with the codec, 5 KiB and 18 us without.
 */
function release(socket: net.Socket): void {
  stopReading(socket);
  socket.removeAllListeners();
  socket.on('error', ignore);
}

/** A request line starts with a letter of a method; the first byte of TLS is never a letter. */
function isMethod(bytes: Buffer): boolean {
  const first = bytes[0] as number;
  return first >= 0x41 && first <= 0x5a;
}

function ignore(): void {
  // 'close' follows in any case.
}
