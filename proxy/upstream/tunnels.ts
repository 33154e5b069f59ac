// Exchanges that switched protocols: from then on both bodies are raw bytes, and the frames of WebSockets are followed.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { WebSockets } from '../codec/websocket/websockets.ts';
import type { WebSocketsOwner } from '../codec/websocket/websockets.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { stopTimeouts } from './timeout.ts';

/** The request path, as tunnels see it. */
export interface TunnelsOwner extends WebSocketsOwner {
  /** A WebSocket is open. */
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

  /** Whether the rule may have one more of what the request asks for. */
  mayOpen(exchange: Exchange): boolean {
    return exchange.upgrade !== 'websocket' || this.#webSockets.mayOpen(exchange);
  }

  /** The backend has agreed. Deadlines of requests do not count for tunnels. */
  open(exchange: Exchange): void {
    stopTimeouts(exchange, this.#wheel);
    exchange.tunnel = true;
    exchange.requestEnded = false;
    if (exchange.upgrade === 'websocket') {
      this.#webSockets.open(exchange);
      this.#owner.opened(exchange);
    }
    exchange.downstream.startTunnel(exchange);
  }

  /** Passes on what may pass of the client. */
  fromClient(exchange: Exchange, chunk: Buffer): void {
    const { webSocket } = exchange;
    if (webSocket !== null) this.#webSockets.fromClient(exchange, webSocket, chunk);
    else if (exchange.upstream?.writeData(chunk) === false) exchange.downstream.pauseRequest();
  }

  /** Passes on what may pass of the backend. */
  fromBackend(exchange: Exchange, chunk: Buffer): void {
    const { webSocket } = exchange;
    if (webSocket !== null) this.#webSockets.fromBackend(exchange, webSocket, chunk);
    else if (!exchange.downstream.writeData(exchange, chunk)) exchange.upstream?.pauseResponse();
  }

  /** The connection is to end, and with it a tunnel that would never end by itself. */
  leave(exchange: Exchange): void {
    this.#webSockets.leave(exchange);
  }
}
