// Both directions of a WebSocket by their frames: the number of messages, and the sender and code of the close frame.
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange, WebSocketClose } from '../../exchange/exchange.ts';
import { getHeader } from '../../exchange/headers.ts';
import { ABNORMAL, closeCodeFor, closeFrame } from './close.ts';
import { FrameScanner } from './scanner.ts';
import type { ScanLimits } from './scanner.ts';

export class Conversation {
  readonly requests: FrameScanner;
  readonly responses: FrameScanner;
  /** Messages of the client, and of the backend. */
  received = 0;
  sent = 0;
  #closer: WebSocketClose['by'] = '';
  #ownCode = 0;

  /** `exchange` has the head of an accepting answer. */
  constructor(exchange: Exchange, limits: ScanLimits) {
    const extensions = getHeader(exchange.responseHeaders, 'sec-websocket-extensions') ?? '';
    const compressed = extensions.toLowerCase().includes('permessage-deflate');
    this.requests = new FrameScanner('client', compressed, limits);
    this.responses = new FrameScanner('server', compressed, limits);
  }

  get close(): WebSocketClose {
    const by = this.#closer;
    if (by === 'proxy') return { code: this.#ownCode, by };
    if (by === '') return { code: ABNORMAL, by };
    return { code: (by === 'client' ? this.requests : this.responses).closeCode || ABNORMAL, by };
  }

  /** Follows a chunk of the client. Returns its error. */
  fromClient(chunk: Buffer): ExchangeError | null {
    const error = this.requests.scan(chunk);
    this.received += this.requests.messages;
    if (this.requests.closed && this.#closer === '') this.#closer = 'client';
    return error;
  }

  /** The same for the backend. */
  fromBackend(chunk: Buffer): ExchangeError | null {
    const error = this.responses.scan(chunk);
    this.sent += this.responses.messages;
    if (this.responses.closed && this.#closer === '') this.#closer = 'backend';
    return error;
  }

  /** Sends close frames to both sides, except one that has received the end. Both must be between two frames. */
  sayWhy(exchange: Exchange, error: ExchangeError): void {
    const [code, reason] = [closeCodeFor(error), error.close?.reason ?? ''];
    if (this.#closer === '') [this.#closer, this.#ownCode] = ['proxy', code];
    if (!this.requests.closed && !exchange.requestEnded) exchange.upstream?.writeData(closeFrame(code, true, reason));
    if (!this.responses.closed && !exchange.responseEnded) exchange.downstream.writeData(exchange, closeFrame(code, false, reason));
  }
}
