// Keeps the answers of backends to requests with idempotency keys: the response half. It sees an answer before anything changes it.
import type { BodyStage, StageOutlet } from '../../exchange/body-stage.ts';
import type { Exchange } from '../../exchange/exchange.ts';
import type { Headers } from '../../exchange/headers.ts';
import type { AnswerChange } from '../../exchange/plan.ts';
import type { Filter, FilterKind } from '../filter.ts';
import { RUNNING, type RunningRequest } from './idempotency-use.ts';
import { isKept, packKept } from './kept-answer.ts';

/** Passes a body on and keeps it. The client gets its end once the answer is stored, so that a repeated request finds it. */
class KeepingStage implements BodyStage {
  readonly #running: RunningRequest;
  readonly #pack: (body: Buffer) => Buffer;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  #isStopped = false;

  constructor(running: RunningRequest, pack: (body: Buffer) => Buffer) {
    this.#running = running;
    this.#pack = pack;
  }

  data(chunk: Buffer, out: StageOutlet): boolean {
    this.#bytes += chunk.length;
    if (this.#isTooLong) this.#pieces.length = 0;
    else this.#pieces.push(Buffer.from(chunk));
    return out.data(chunk);
  }

  get #isTooLong(): boolean {
    return this.#bytes > this.#running.maxAnswerSize;
  }

  end(trailers: Headers | null, out: StageOutlet): void {
    const answer = this.#isTooLong ? null : this.#pack(Buffer.concat(this.#pieces));
    void this.#running.finish(answer).then(() => {
      if (!this.#isStopped) out.end(trailers);
    });
  }

  stop(): void {
    this.#isStopped = true;
  }
}

class IdempotencyStorage implements Filter {
  readonly name = 'idempotencyStorage';

  response(exchange: Exchange): AnswerChange {
    const running = RUNNING.get(exchange);
    const { attempt, responseHeaders, error, status } = exchange;
    const isOfBackend = error === null && attempt !== null && attempt.headers === responseHeaders;
    if (running === null || !isOfBackend || !isKept(status)) return undefined;
    running.isDone = true;
    // A copy: filters after this one change what the client gets.
    const headers = [...responseHeaders];
    return new KeepingStage(running, (body) => packKept(status, headers, body));
  }
}

export const idempotencyStorage: FilterKind = {
  name: 'idempotencyStorage',
  ofPolicies: (policies) => {
    if (policies.settings('HTTPPolicy').settings.idempotency?.mode === 'Disabled') return null;
    return policies.filterOf('HTTPPolicy', ['idempotency'], () => new IdempotencyStorage());
  },
};
