// Exchanges with a switched protocol: both bodies are raw bytes, and the frames of WebSockets are followed.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { WebSockets } from '../codec/websocket/websockets.ts';
import type { WebSocketsOwner } from '../codec/websocket/websockets.ts';
import type { ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { stopTimeouts } from './timeout.ts';

/** The interface of the request path for tunnels. */
export interface TunnelsOwner extends WebSocketsOwner {
  /** A tunnel has opened. */
  opened(exchange: Exchange): void;
}

export class Tunnels {
  readonly #wheel: TimerWheel;
  readonly #owner: TunnelsOwner;
  readonly #webSockets: WebSockets;

  constructor(wheel: TimerWheel, owner: TunnelsOwner) {
    this.#wheel = wheel;
    this.#owner = owner;
    this.#webSockets = new WebSockets(wheel, owner);
  }

  /** Whether the limit of the rule allows another tunnel for this request. */
  mayOpen(exchange: Exchange): boolean {
    return exchange.upgrade !== 'websocket' || this.#webSockets.mayOpen(exchange);
  }

  /** The backend has accepted. Deadlines of requests do not apply to tunnels. */
  open(exchange: Exchange): void {
    if (exchange.upgrade === 'websocket') this.#webSockets.open(exchange);
    this.openOwn(exchange);
  }

  /** The same for a WebSocket that ends in the proxy: the exchange has its frames. */
  openOwn(exchange: Exchange): void {
    this.stopTimeouts(exchange);
    exchange.tunnel = true;
    exchange.requestEnded = false;
    this.#owner.opened(exchange);
    exchange.downstream.startTunnel(exchange);
  }

  /** For answers without an end. */
  stopTimeouts(exchange: Exchange): void {
    stopTimeouts(exchange, this.#wheel);
  }

  /** Forwards the allowed bytes of the client. */
  fromClient(exchange: Exchange, chunk: Buffer): void {
    const { webSocket } = exchange;
    if (webSocket !== null) this.#webSockets.fromClient(exchange, webSocket, chunk);
    else if (exchange.upstream?.writeData(chunk) === false) exchange.downstream.pauseRequest();
  }

  /** Forwards the allowed bytes of the backend. */
  fromBackend(exchange: Exchange, chunk: Buffer): void {
    const { webSocket } = exchange;
    if (webSocket !== null) this.#webSockets.fromBackend(exchange, webSocket, chunk);
    else if (!exchange.downstream.writeData(exchange, chunk)) exchange.upstream?.pauseResponse();
  }

  /** The connection is to end. A tunnel would not end by itself. */
  leave(exchange: Exchange): void {
    this.#webSockets.leave(exchange);
  }

  /** Ends a WebSocket at once. */
  end(exchange: Exchange, error: ExchangeError): void {
    this.#webSockets.end(exchange, error);
  }
}
