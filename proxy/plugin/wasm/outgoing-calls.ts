// Calls of a module to the backends of its policy: HTTP requests, and gRPC calls with one message each way.
import { HeaderMap } from './header-map.ts';
import type { ModuleState, Received } from './module-state.ts';
import { STATUS, type Status } from './status.ts';

const MAX_OPEN = 1_000;
/** Statuses of gRPC. */
const GRPC_UNKNOWN = 2;
const GRPC_INTERNAL = 13;
const GRPC_UNAVAILABLE = 14;
/** A flag and a length before each message. */
const FRAME_HEAD = 5;

/** A call that the module makes. */
export interface OutgoingCall {
  readonly backend: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: Buffer;
  /** Milliseconds. */
  readonly timeout: number;
  readonly isGrpc: boolean;
}

/** An answer as the proxy tells it; null: there is none. */
export interface CallAnswer {
  readonly status: number;
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
  readonly body: Buffer;
}

export class OutgoingCalls {
  readonly #state: ModuleState;
  /** By the number of the call; the value: it is a gRPC call. */
  readonly #open = new Map<number, boolean>();
  #last = 0;

  constructor(state: ModuleState) {
    this.#state = state;
  }

  begin({ backend, method, path, headers, body, timeout, isGrpc }: OutgoingCall): { readonly id: number } | Status {
    if (this.#open.size >= MAX_OPEN) return STATUS.internalFailure;
    const op = (this.#last % 0x7fff_ffff) + 1;
    const sent = this.#state.send(
      { type: 'ask', op, backend, method, path, headers, timeout, ...(isGrpc ? { isGrpc } : {}) },
      body.length === 0 && !isGrpc ? null : isGrpc ? framed(body) : body,
    );
    if (!sent) return STATUS.internalFailure;
    this.#last = op;
    this.#open.set(op, isGrpc);
    return { id: op };
  }

  /** The module does not want the answer of a gRPC call any more. False: there is no such call. */
  cancel(op: number): boolean {
    return this.#open.get(op) === true && this.#open.delete(op);
  }

  /** What the module gets of an answer; null: it does not wait for it. */
  end(op: number, answer: CallAnswer | null): Received | null {
    const isGrpc = this.#open.get(op);
    this.#open.delete(op);
    if (isGrpc === undefined) return null;
    return isGrpc ? grpcAnswer(answer) : httpAnswer(answer);
  }
}

function httpAnswer(answer: CallAnswer | null): Received {
  const { status, headers, trailers, body } = answer ?? { status: 0, headers: [], trailers: [], body: Buffer.alloc(0) };
  const pairs = answer === null ? [] : [':status', String(status), ...headers];
  return { ...{ headers: closed(pairs), trailers: closed(trailers), body, isGrpc: false }, status, message: '' };
}

function grpcAnswer(answer: CallAnswer | null): Received {
  const none = { headers: closed([]), trailers: closed([]), body: Buffer.alloc(0), isGrpc: true } as const;
  if (answer === null) return { ...none, status: GRPC_UNAVAILABLE, message: 'the backend does not answer' };
  const trailers = closed(answer.trailers.length === 0 ? answer.headers : answer.trailers);
  const written = trailers.get('grpc-status') ?? '';
  const status = /^[0-9]{1,2}$/.test(written) ? Number(written) : GRPC_UNKNOWN;
  const message = unframed(answer.body);
  if (status === 0 && message === null) return { ...none, status: GRPC_INTERNAL, message: 'the answer has no message' };
  return {
    ...{ headers: closed(answer.headers), trailers, body: message ?? Buffer.alloc(0), isGrpc: true },
    ...{ status, message: trailers.get('grpc-message') ?? '' },
  };
}

/** A map that the module can only read. */
function closed(list: readonly string[]): HeaderMap {
  const map = new HeaderMap(list);
  map.isOpen = false;
  return map;
}

function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(FRAME_HEAD);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Null: the body is not one message without compression. */
function unframed(body: Buffer): Buffer | null {
  if (body.length < FRAME_HEAD || body[0] !== 0 || body.readUInt32BE(1) !== body.length - FRAME_HEAD) return null;
  return body.subarray(FRAME_HEAD);
}
