// The gRPC service that runs operations for the admin program, on the port of the push server. A caller that reads slowly makes its
// operation wait or drop lines; a caller that stops to read is cut off.
import { status } from '@grpc/grpc-js';
import { MAX_CALL_MS, MAX_CALLER, MAX_CALLS, MAX_OPERATION_BYTES, PART_BYTES, STALLED_MS } from '#api/wire/operator-limits.ts';
import { OPERATOR } from '#api/wire/operator.ts';
import type { OperatorPart, RunningCall } from '#api/wire/operator.ts';
import type { Answer, StreamedAnswer } from '#lib/admin-server.ts';
import type { Log } from '#lib/log.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { AdminService } from '../push/server.ts';
import type { Asking, Operation } from './operation.ts';
import { answered } from './operations.ts';

/** How a call ends without an answer. */
interface CallError {
  readonly code: status;
  readonly details: string;
}

/** A call that may begin. */
interface Request {
  readonly operation: Operation;
  readonly input: unknown;
  readonly caller: string;
}

/** Characters that could forge a line of the log. */
const CONTROLS = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** The service for a push server. `maxCalls`: at once. */
export function operatorService(operations: readonly Operation[], log: Log, maxCalls = MAX_CALLS): AdminService {
  const known = new Map(operations.map((operation) => [operation.id, operation]));
  let running = 0;
  return {
    definition: OPERATOR,
    handlers: (admit) => ({
      Run(call: RunningCall): void {
        call.on('error', () => undefined);
        const refuse = (error: CallError): void => {
          // The admin program asks for none to learn whether it is admitted.
          if (error.code !== status.UNIMPLEMENTED)
            log.warn({ address: call.getPeer(), reason: error.details }, 'a call of the admin program is refused');
          call.emit('error', error);
        };
        const admitted = admit(call);
        if (!admitted.ok) return refuse({ code: status.PERMISSION_DENIED, details: admitted.error });
        if (running >= maxCalls) return refuse({ code: status.RESOURCE_EXHAUSTED, details: 'too many calls at once' });
        const request = requestOf(call, known);
        if (!request.ok) return refuse(request.error);
        running++;
        void new OperatorCall(call).run(request.value, log).finally(() => running--);
      },
    }),
  };
}

function requestOf({ request }: RunningCall, known: ReadonlyMap<string, Operation>): Result<Request, CallError> {
  const operation = known.get(request.operation);
  if (operation === undefined) return err({ code: status.UNIMPLEMENTED, details: 'this release of the controller has no such operation' });
  if (request.input.length > MAX_OPERATION_BYTES)
    return err({ code: status.INVALID_ARGUMENT, details: `the input is larger than ${MAX_OPERATION_BYTES} bytes` });
  try {
    const input = JSON.parse(request.input.toString()) as unknown;
    return ok({ operation, input, caller: request.caller.slice(0, MAX_CALLER).replace(CONTROLS, '?') });
  } catch {
    return err({ code: status.INVALID_ARGUMENT, details: 'the input is not JSON' });
  }
}

/** A call from its beginning to its end. */
class OperatorCall {
  readonly #call: RunningCall;
  readonly #left = new AbortController();

  constructor(call: RunningCall) {
    this.#call = call;
    for (const over of ['cancelled', 'close']) call.on(over, () => this.#left.abort());
  }

  /** Never rejects. Resolves once the operation has ended. */
  async run({ operation: { id, run }, input, caller }: Request, log: Log): Promise<void> {
    const late = setTimeout(() => this.#cut({ code: status.DEADLINE_EXCEEDED, details: 'the call takes too long' }), MAX_CALL_MS).unref();
    const asking: Asking = { signal: this.#left.signal, caller };
    if (!id.startsWith('GET ')) log.info({ operation: id, caller }, 'the admin program runs an operation');
    try {
      await this.#send(await answered(id, () => run(input, asking), log));
      if (!this.#left.signal.aborted) this.#call.end();
    } catch (error) {
      // The sources of a file report their end so.
      this.#cut({ code: status.ABORTED, details: error instanceof Error ? error.message : String(error) });
    } finally {
      clearTimeout(late);
    }
  }

  async #send(answer: Answer | StreamedAnswer): Promise<void> {
    const { status: code, type } = answer;
    await this.#write({ part: 'head', head: { status: code, type } });
    const write = (data: string | Buffer): Promise<void> => this.#writeData(Buffer.from(data));
    await ('body' in answer ? write(answer.body) : answer.stream({ write }));
  }

  async #writeData(data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; at += PART_BYTES) await this.#write({ part: 'data', data: data.subarray(at, at + PART_BYTES) });
  }

  /** Resolves when there is room for more, or the caller has left. */
  #write(part: OperatorPart): Promise<void> {
    const { signal } = this.#left;
    if (signal.aborted || this.#call.write(part)) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const stalled = setTimeout(() => this.#cut({ code: status.ABORTED, details: 'the caller reads nothing' }), STALLED_MS);
    const done = (): void => resolve();
    this.#call.once('drain', done);
    signal.addEventListener('abort', done);
    return promise.finally(() => {
      clearTimeout(stalled);
      this.#call.removeListener('drain', done);
      signal.removeEventListener('abort', done);
    });
  }

  #cut(error: CallError): void {
    if (this.#left.signal.aborted) return;
    this.#left.abort();
    this.#call.emit('error', error);
  }
}
