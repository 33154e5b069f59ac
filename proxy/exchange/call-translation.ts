// A call of a client that does not speak gRPC, which a filter translates for the backend. The exchange is a gRPC call (`exchange.grpc`).
import type { Exchange } from './exchange.ts';
import type { Headers } from './headers.ts';

export interface CallTranslation {
  /** The bytes that end an answer on its way with the status in these trailers; null: it cannot be told, and the answer is cut. */
  ending(trailers: Headers): Buffer | null;
  /** Translates the answer of the proxy in the exchange, which passes no filter. Absent: the client understands it as it is. */
  replied?(exchange: Exchange): void;
}
