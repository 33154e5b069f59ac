// The interface through which the request path reports exchanges to metrics and the access log.
import type { Exchange } from './exchange.ts';

/** Metrics and access log. */
export interface Recorder {
  started(exchange: Exchange): void;
  webSocketOpened(exchange: Exchange): void;
  record(exchange: Exchange): void;
}
