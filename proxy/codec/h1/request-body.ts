// The body of the request that is being read: how much of it is left, and whether it may be that long.
import { ERRORS } from '../../exchange/errors.ts';
import type { ExchangeError } from '../../exchange/errors.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { Limits } from '../../exchange/limits.ts';
import { UNKNOWN_LENGTH } from '../../exchange/stream.ts';
import { ChunkedReader } from './chunked.ts';
import type { ChunkSink } from './chunked.ts';

/** A body that was answered before it was read is read to its end if no more than this is left of it, for the sake of the connection. */
const DISCARD_BYTES = 65_536;

/** Who takes the pieces. */
export interface BodySink {
  /** Takes a piece. False: the rest must wait, or is not wanted at all. */
  bodyData(chunk: Buffer): boolean;
}

export class RequestBody implements ChunkSink {
  /** What is wrong with it; it is not to be read any further. */
  error: ExchangeError | null = null;
  readonly #sink: BodySink;
  readonly #limits: Limits;
  /** Octets that are to come; UNKNOWN_LENGTH: chunks. */
  #left = 0;
  #octets = 0;
  /** Made with the first chunked request of the connection. */
  #chunks: ChunkedReader | null = null;

  constructor(sink: BodySink, limits: Limits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** Why a body of so many octets is refused, or null. */
  refusal(octets: number): ExchangeError | null {
    const { maxRequestBodyBytes } = this.#limits;
    return maxRequestBodyBytes > 0 && octets > maxRequestBodyBytes ? ERRORS.requestBodyTooLarge : null;
  }

  /** A request of that length has begun. */
  start(length: number): void {
    this.error = null;
    this.#left = length;
    this.#octets = 0;
    if (length === UNKNOWN_LENGTH) (this.#chunks ??= new ChunkedReader(this.#limits)).reset();
  }

  /** All of it has come. */
  get done(): boolean {
    return this.#left === UNKNOWN_LENGTH ? this.#reader.done : this.#left === 0;
  }

  /** Those that came with chunks and may be passed on. */
  get trailers(): Headers | null {
    return this.#left === UNKNOWN_LENGTH ? this.#reader.trailers : null;
  }

  /** So little is left that reading it costs less than a new connection. */
  get nearlyDone(): boolean {
    return this.#left !== UNKNOWN_LENGTH && this.#left <= DISCARD_BYTES;
  }

  /** Hands on what belongs to the body and returns where it stopped. */
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
