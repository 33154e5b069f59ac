// The WebSockets of a worker: whether one may open, the forwarding of its frames, and its end.
import type { TimerWheel } from '#lib/timer-wheel.ts';
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Exchange, WebSocketTunnel } from '../../exchange/exchange.ts';
import type { RoutePlan } from '../../exchange/plan.ts';
import { WebSocketCounts } from './counts.ts';
import { WebSocketFollower } from './follower.ts';
import { WebSocketGuard } from './guard.ts';
import type { GuardSurroundings } from './guard.ts';

/** The interface of the request path for WebSockets. */
export interface WebSocketsOwner {
  /** Both sides got the reason and the end. */
  closed(exchange: Exchange): void;
  /** At least one side is in the middle of a frame, so no close frame is sent; both peers must see that the data is incomplete. */
  torn(exchange: Exchange, error: ExchangeError): void;
}

export class WebSockets {
  readonly #owner: WebSocketsOwner;
  readonly #counts = new WebSocketCounts();
  readonly #guards: GuardSurroundings;

  constructor(wheel: TimerWheel, owner: WebSocketsOwner) {
    this.#owner = owner;
    this.#guards = {
      wheel,
      over: (exchange, error) => this.end(exchange, error),
      ended: ({ route }) => this.#counts.leave((route as RoutePlan).key),
    };
  }

  /** Whether the rule may open another. */
  mayOpen({ route }: Exchange): boolean {
    const plan = route?.webSocket ?? null;
    return plan === null || this.#counts.hasRoom((route as RoutePlan).key, plan.maxConnections);
  }

  /** The backend has accepted: frames follow. */
  open(exchange: Exchange): void {
    const { key, webSocket } = exchange.route as RoutePlan;
    if (webSocket !== null) this.#counts.enter(key);
    exchange.webSocket = webSocket === null ? new WebSocketFollower(exchange) : new WebSocketGuard(exchange, webSocket, this.#guards);
  }

  fromClient(exchange: Exchange, tunnel: WebSocketTunnel, chunk: Buffer): void {
    const room = tunnel.fromClient(exchange, chunk);
    const { ending } = tunnel;
    if (ending !== null) this.#close(exchange, tunnel, ending);
    else if (!room) exchange.downstream.pauseRequest();
  }

  fromBackend(exchange: Exchange, tunnel: WebSocketTunnel, chunk: Buffer): void {
    const room = tunnel.fromBackend(exchange, chunk);
    const { ending } = tunnel;
    if (ending !== null) this.#close(exchange, tunnel, ending);
    else if (!room) exchange.upstream?.pauseResponse();
  }

  /** Ends it once both sides are between frames; a drain cuts those that never are. */
  leave(exchange: Exchange): void {
    const tunnel = exchange.webSocket;
    if (exchange.phase === 'done' || tunnel === null) return;
    if (tunnel.leave(ERRORS.connectionCut)) this.#close(exchange, tunnel, ERRORS.connectionCut);
  }

  /** Ends it at once. */
  end(exchange: Exchange, error: ExchangeError): void {
    if (exchange.phase !== 'done' && exchange.webSocket !== null) this.#close(exchange, exchange.webSocket, error);
  }

  /** Sends both sides the reason and the end; or cuts them if one is in the middle of a frame. */
  #close(exchange: Exchange, tunnel: WebSocketTunnel, error: ExchangeError): void {
    if (!tunnel.sayWhy(exchange, error)) return this.#owner.torn(exchange, error);
    exchange.error = error;
    exchange.requestEnded = true;
    exchange.responseEnded = true;
    exchange.upstream?.end(null);
    exchange.downstream.end(exchange, null);
    this.#owner.closed(exchange);
  }
}
