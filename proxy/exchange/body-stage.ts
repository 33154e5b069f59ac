// The interface of a step in the way of a body through the proxy.
import type { ExchangeError } from './errors.ts';
import type { Headers } from './headers.ts';

/** The way out of a stage: to the next stage, or to the receiver of the body. Its methods may be called at any time until `stop`. */
export interface StageOutlet {
  /** Passes on a chunk, which stays with the caller. False: the next step is full until `drained` of the stage is called. */
  data(chunk: Buffer): boolean;
  /** The body ends here. */
  end(trailers: Headers | null): void;
  /** The stage is not full any more. */
  ready(): void;
  /** Nothing more of the source is wanted, and `end` follows. False: it cannot be left before its end. */
  leave(): boolean;
  /** The body cannot go on. */
  fail(error: ExchangeError): void;
  /** Something that the stage has put off has a bug. */
  failed(bug: unknown): void;
}

/** Sees the chunks of one body of one exchange, and changes, delays, counts or refuses them. */
export interface BodyStage {
  /** The stage has its place, and what has arrived so far has passed it. Not called for a body that is complete already. */
  begin?(out: StageOutlet): void;
  /** Takes a chunk, which belongs to the caller. False: it is full, and calls `ready` of the outlet when it is not any more. */
  data(chunk: Buffer, out: StageOutlet): boolean;
  /** The body is complete: passes on the rest, and ends the outlet now or later. */
  end(trailers: Headers | null, out: StageOutlet): void;
  /** The next step has room again. Absent: a stage that keeps nothing, which has room whenever the next step has. */
  drained?(out: StageOutlet): void;
  /** The exchange is over: releases what the stage holds. */
  stop?(): void;
}
