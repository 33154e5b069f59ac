// What the request path tells of exchanges to be counted and logged.
import type { Exchange } from './exchange.ts';

/** Metrics and access log. */
export interface Recorder {
  started(exchange: Exchange): void;
  webSocketOpened(exchange: Exchange): void;
  record(exchange: Exchange): void;
}
