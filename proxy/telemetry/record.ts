// The last phase of an exchange or stream: counts it and, if there is an access log, logs it.
import { turnTime } from '#lib/turn-clock.ts';
import { ERRORS, type ExchangeError } from '../exchange/errors.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { SecurityEvents } from '../exchange/security-events.ts';
import type { StreamRecorder, StreamSession } from '../exchange/stream-session.ts';
import type { Log } from './access-log/access-log.ts';
import type { RequestMetrics } from './request-metrics.ts';
import type { StreamMetrics } from './stream-metrics.ts';
import type { WebSocketMetrics } from './websocket-metrics.ts';

export class ExchangeRecorder {
  readonly #metrics: RequestMetrics;
  readonly #webSockets: WebSocketMetrics;
  readonly #security: SecurityEvents;
  #log: Log | null;

  constructor(metrics: RequestMetrics, webSockets: WebSocketMetrics, log: Log | null, security: SecurityEvents) {
    this.#metrics = metrics;
    this.#webSockets = webSockets;
    this.#security = security;
    this.#log = log;
  }

  /** Sets the log from now on; null for none. */
  logTo(log: Log | null): void {
    this.#log = log;
  }

  /** Keeps host and path for the log before filters rewrite them. */
  started(exchange: Exchange): void {
    exchange.requestedAuthority = exchange.authority;
    exchange.requestedPath = exchange.path;
    if (this.#log !== null) this.#log.started(exchange);
    this.#metrics.started();
  }

  webSocketOpened(exchange: Exchange): void {
    this.#webSockets.opened(exchange);
  }

  record(exchange: Exchange): void {
    const ms = turnTime() - exchange.startedAt;
    this.#metrics.finished(exchange, ms);
    if (exchange.webSocket !== null) this.#webSockets.closed(exchange);
    if (exchange.error !== null) this.#tellUnprotected(exchange, exchange.error);
    if (this.#log !== null) this.#log.log(exchange, ms);
  }

  /** Rules and filters refuse requests for this reason, with a detail of their own. */
  #tellUnprotected(exchange: Exchange, { code, detail, policy }: ExchangeError): void {
    if (code !== ERRORS.policyUnresolved.code) return;
    this.#security.emit('policy_unresolved', exchange, policy === '' ? { reason: detail } : { reason: detail, policy });
  }
}

export class SessionRecorder implements StreamRecorder {
  readonly #metrics: StreamMetrics;
  #log: Log | null;

  constructor(metrics: StreamMetrics, log: Log | null) {
    this.#metrics = metrics;
    this.#log = log;
  }

  /** Sets the log from now on; null for none. */
  logTo(log: Log | null): void {
    this.#log = log;
  }

  started(session: StreamSession): void {
    this.#metrics.started(session);
  }

  ended(session: StreamSession): void {
    this.#metrics.ended(session);
    this.#log?.logStream(session, performance.now() - session.startedAt);
  }
}
