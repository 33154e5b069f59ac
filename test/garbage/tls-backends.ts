// Backends with TLS that fail in one phase each: in the handshake, below TLS, and inside TLS.
import type net from 'node:net';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { cut } from '../../proxy/codec/h1/cut.ts';
import { Backend } from './backends.ts';
import type { Reply } from './backends.ts';

const text = (bytes: string): Buffer => Buffer.from(bytes, 'latin1');

/** The bytes of a backend, and their time: `hello` instead of a handshake; `beneath` and `inside` TLS, after a request. */
export interface TlsReply extends Reply {
  readonly when: 'hello' | 'beneath' | 'inside';
}

const RECORD = text('\x17\x03\x03\x00\x20garbage garbage garbage garbage!');
const OK = text('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello');

export const TLS_REPLIES: Readonly<Record<string, TlsReply>> = {
  'hello-reset': { when: 'hello', bytes: text(''), ends: 'reset' },
  'hello-end': { when: 'hello', bytes: text(''), ends: 'end' },
  'hello-garbage': { when: 'hello', bytes: text('garbage garbage garbage') },
  'hello-plain': { when: 'hello', bytes: text('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n') },
  'hello-alert': { when: 'hello', bytes: text('\x15\x03\x03\x00\x02\x02\x28') },
  'hello-half': { when: 'hello', bytes: text('\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03'), ends: 'end' },
  'hello-wrong': { when: 'hello', bytes: text(`\x16\x03\x03\x00\x10\x02\x00\x00\x0c${'\xff'.repeat(12)}`) },
  'beneath-reset': { when: 'beneath', bytes: text(''), ends: 'reset' },
  'beneath-end': { when: 'beneath', bytes: text(''), ends: 'end' },
  'beneath-garbage': { when: 'beneath', bytes: RECORD },
  'inside-end': { when: 'inside', bytes: text(''), ends: 'end' },
  'inside-garbage': { when: 'inside', bytes: text('garbage\r\n\r\n') },
  'inside-half': { when: 'inside', bytes: OK, ends: 'end' },
  'inside-reset': { when: 'inside', bytes: OK, ends: 'reset' },
};

export class TlsBackend extends Backend {
  readonly #reply: TlsReply;
  readonly #keys: tls.TlsOptions;

  constructor(reply: TlsReply, keys: tls.TlsOptions) {
    super();
    this.#reply = reply;
    this.#keys = keys;
  }

  protected serve(socket: net.Socket): void {
    if (this.#reply.when === 'hello') return void socket.once('data', () => this.answer(socket, this.#reply));
    const context = tls.createSecureContext(this.#keys);
    const secured = new tls.TLSSocket(beside(socket) as net.Socket, { isServer: true, secureContext: context });
    secured.on('error', () => undefined);
    socket.on('close', () => secured.destroy());
    secured.once('data', () => {
      if (this.#reply.when === 'beneath') this.answer(socket, this.#reply);
      else this.#answerInside(socket, secured);
    });
  }

  #answerInside(socket: net.Socket, secured: tls.TLSSocket): void {
    const { bytes, ends } = this.#reply;
    if (ends === 'end') secured.end(bytes);
    else if (ends === 'reset') secured.write(bytes, () => setImmediate(() => cut(socket)));
    else secured.write(bytes);
  }
}

/** The stream below TLS of a socket, to which tests can write directly. */
export function beside(raw: net.Socket): Duplex {
  const [inner, outer] = duplexPair();
  raw.pipe(outer).pipe(raw);
  raw.on('close', () => outer.destroy());
  return inner;
}
