// The seam between codecs and sockets on the upstream side: a codec asks for a connection and is told when it can be spoken on.
import type net from 'node:net';
import type { ExchangeError } from './errors.ts';
import type { Transport } from './plan.ts';

/** Who wants a connection. */
export interface Dialler {
  /** The connection is there, and whatever its transport asks for is done. */
  connected(): void;
  /** It is not there yet, and if it is never there, this is why. Before the first call: it could not be reached. */
  failing(error: ExchangeError): void;
  /** Bytes, valid during the call only. */
  data(chunk: Buffer): void;
}

/** Where an upstream connection goes, and how. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  readonly transport: Transport;
  /** What goes before everything else, TLS included: a header of the PROXY protocol. Null: nothing. */
  readonly header: Buffer | null;
}

/** Opens a connection as the transport says. Its other events (drain, end, close) are the socket's own. */
export type Dial = (destination: Destination, dialler: Dialler) => net.Socket;
