// The body of the current request: its remaining length and its limits.
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { Limits } from '../../exchange/limits.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { ChunkedReader } from './chunked.ts';
import type { ChunkSink } from './chunked.ts';

/** After an early answer, a body with no more than this left is read to its end, to keep the connection. */
const DISCARD_BYTES = 65_536;

/** The receiver of the pieces. */
export interface BodySink {
  /** Takes a piece. False: the rest must wait, or is not needed. */
  bodyData(chunk: Buffer): boolean;
}

export class RequestBody implements ChunkSink {
  /** The error of the body; it must not be read further. */
  error: ExchangeError | null = null;
  readonly #sink: BodySink;
  readonly #limits: Limits;
  /** Octets to come; UNKNOWN_LENGTH: chunks. */
  #left = 0;
  #octets = 0;
  /** Created with the first chunked request of the connection. */
  #chunks: ChunkedReader | null = null;

  constructor(sink: BodySink, limits: Limits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** The reason to refuse a body of this many octets, or null. */
  refusal(octets: number): ExchangeError | null {
    const { maxRequestBodyBytes } = this.#limits;
    return maxRequestBodyBytes > 0 && octets > maxRequestBodyBytes ? ERRORS.requestBodyTooLarge : null;
  }

  /** Starts a request with that body length. */
  start(length: number): void {
    this.error = null;
    this.#left = length;
    this.#octets = 0;
    if (length === UNKNOWN_LENGTH) (this.#chunks ??= new ChunkedReader(this.#limits)).reset();
  }

  /** The body is complete. */
  get done(): boolean {
    return this.#left === UNKNOWN_LENGTH ? this.#reader.done : this.#left === 0;
  }

  /** The trailers of a chunked body to forward. */
  get trailers(): Headers | null {
    return this.#left === UNKNOWN_LENGTH ? this.#reader.trailers : null;
  }

  /** So little is left that reading it is cheaper than a new connection. */
  get nearlyDone(): boolean {
    return this.#left !== UNKNOWN_LENGTH && this.#left <= DISCARD_BYTES;
  }

  /** Passes on the bytes of the body and returns the position where it stopped. */
  read(buffer: Buffer, position: number): number {
    if (this.#left === UNKNOWN_LENGTH) return this.#readChunks(buffer, position);
    const end = Math.min(buffer.length, position + this.#left);
    this.#left -= end - position;
    this.#sink.bodyData(buffer.subarray(position, end));
    return end;
  }

  #readChunks(buffer: Buffer, position: number): number {
    const end = this.#reader.read(buffer, position, this);
    this.error = this.#reader.failed ? ERRORS.requestMalformed : this.refusal(this.#octets);
    return end;
  }

  chunkData(chunk: Buffer): boolean {
    this.#octets += chunk.length;
    return this.refusal(this.#octets) === null && this.#sink.bodyData(chunk);
  }

  get #reader(): ChunkedReader {
    return this.#chunks as ChunkedReader;
  }
}
