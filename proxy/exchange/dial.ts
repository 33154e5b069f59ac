// The interface between codecs and sockets on the upstream side: a codec requests a connection and is called when it is ready.
import type net from 'node:net';
import type { ExchangeError } from './errors.ts';
import type { Transport } from './plan.ts';

/** The requester of a connection. */
export interface Dialler {
  /** The connection is established, including the steps of its transport. */
  connected(): void;
  /** The error if the connection is not established. Initially: it could not be reached. */
  failing(error: ExchangeError): void;
  /** Bytes, valid only during the call. */
  data(chunk: Buffer): void;
}

/** The destination and the transport of an upstream connection. */
export interface Destination {
  readonly address: string;
  readonly port: number;
  readonly transport: Transport;
  /** Bytes before everything else, also before TLS: a header of the PROXY protocol. Null: none. */
  readonly header: Buffer | null;
}

/** Opens a connection with the transport. Its other events (drain, end, close) are those of the socket. */
export type Dial = (destination: Destination, dialler: Dialler) => net.Socket;
