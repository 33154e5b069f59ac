// The controller of `weir up`, in this process: the same interface as over gRPC.
import type { Answer, StreamedAnswer } from '#lib/admin-server.ts';
import { err, ok, type Result } from '#lib/result.ts';
import { Conduit } from './conduit.ts';
import type { ControllerState, Live, LiveAnswer, LiveCall, LiveFault } from './live.ts';

/** Runs an operation with parsed input; null: it does not exist. Rejects only if the operation has a bug. */
export type RunOperation = (
  id: string,
  input: unknown,
  asking: { readonly signal: AbortSignal; readonly caller: string },
) => Promise<Answer | StreamedAnswer> | null;

export class LocalController implements Live {
  readonly #run: RunOperation;
  readonly #since = new Date().toISOString();

  constructor(run: RunOperation) {
    this.#run = run;
  }

  start(): void {
    // It is there already.
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  states(): readonly ControllerState[] {
    return [{ address: 'in-process', connected: true, since: this.#since, lastError: '' }];
  }

  async call({ operation, input, caller, deadlineMs, signal }: LiveCall): Promise<Result<LiveAnswer, LiveFault>> {
    const left = new AbortController();
    const both = AbortSignal.any([signal, left.signal]);
    // The operation may set defaults in its input.
    const running = this.#run(operation, structuredClone(input), { signal: both, caller });
    if (running === null) return err({ code: 'operation-unknown', reason: `there is no operation ${operation}` });
    const { promise: late, resolve } = Promise.withResolvers<null>();
    const timer = setTimeout(() => resolve(null), deadlineMs);
    const answer = await Promise.race([running, late]);
    clearTimeout(timer);
    if (answer !== null) return ok({ status: answer.status, type: answer.type, body: bodyOf(answer, left, both) });
    left.abort();
    return err({ code: 'controller-silent', reason: `${operation} does not answer in time` });
  }
}

async function* bodyOf(answer: Answer | StreamedAnswer, left: AbortController, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if ('body' in answer) return yield Buffer.from(answer.body);
  const conduit = new Conduit(signal);
  const ended = answer.stream(conduit).then(
    () => conduit.end(null),
    (error: unknown) => conduit.end(error),
  );
  try {
    yield* conduit;
    if (signal.aborted) throw new Error('the caller has left');
    await ended;
  } finally {
    left.abort();
  }
}
