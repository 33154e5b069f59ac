// The seam of the server to what counts calls of operations.
import type { Caller } from './operation.ts';

/** A call of an operation whose answer was sent. */
export interface EndedCall {
  /** The id of the operation. */
  readonly operation: string;
  readonly status: number;
  /** From the head of the request to the end of the answer. */
  readonly ms: number;
  readonly caller: Pick<Caller, 'kind' | 'id' | 'name'>;
  readonly requestId: string;
  /** The answer comes in parts, so its time tells nothing. */
  readonly isStream: boolean;
}

/** Hears of calls. Must not throw. */
export interface CallListener {
  ended(call: EndedCall): void;
}
