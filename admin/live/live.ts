// Live state of the fleet: what the admin program asks controllers. Any controller answers for all. There is one implementation over gRPC
// and one for `weir up`, where the controller is in this process.
import { err, ok, type Result } from '#lib/result.ts';

/** One operation of a controller. */
export interface LiveCall {
  /** Like `GET /status`. */
  readonly operation: string;
  /** Its fields. Those of a GET are strings. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The name of the user, for the log of the controller. */
  readonly caller: string;
  /** The longest wait for the beginning of the answer, milliseconds. */
  readonly deadlineMs: number;
  /** The caller has left: the operation ends. */
  readonly signal: AbortSignal;
}

/** An answer, or a refusal of the operation as `application/problem+json`. */
export interface LiveAnswer {
  /** As over HTTP. */
  readonly status: number;
  readonly type: string;
  /** Rejects if the answer is cut. The source waits for its reader; an end of the reading ends the operation. */
  readonly body: AsyncIterable<Uint8Array>;
}

/** Why there is no answer: no controller can be reached, or the one that was asked does not know the operation or is busy. */
export interface LiveFault {
  readonly code: 'controllers-away' | 'controller-silent' | 'controller-busy' | 'operation-unknown' | 'controller-refuses';
  readonly reason: string;
}

/** The connection to one controller. */
export interface ControllerState {
  /** `host:port`; `in-process` for `weir up`. */
  readonly address: string;
  readonly connected: boolean;
  /** ISO 8601: since when it is connected, or not. */
  readonly since: string;
  /** Why the last connection failed or ended; '' if there was none. */
  readonly lastError: string;
}

/** The controllers of the fleet. */
export interface Live {
  /** Never rejects, and never waits longer than the deadline. */
  call(call: LiveCall): Promise<Result<LiveAnswer, LiveFault>>;
  states(): readonly ControllerState[];
  start(): void;
  stop(): Promise<void>;
}

/** Why no controller can be reached, once each was tried; '' if one is connected, or none is configured. */
export function awayReason(states: readonly ControllerState[]): string {
  const away = states.filter(({ connected, lastError }) => !connected && lastError !== '');
  return away.length < states.length ? '' : away.map(({ address, lastError }) => `${address}: ${lastError}`).join('; ');
}

/** The largest answer that is gathered, bytes. */
export const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** The whole answer as parsed JSON. An answer that is cut, too large or not JSON is an error. */
export async function gathered({ body }: Pick<LiveAnswer, 'body'>, maximum = MAX_ANSWER_BYTES): Promise<Result<unknown>> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of body) {
      bytes += part.length;
      if (bytes > maximum) return err(`the answer is larger than ${maximum} bytes`);
      parts.push(part);
    }
    return ok(JSON.parse(Buffer.concat(parts).toString()));
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}
