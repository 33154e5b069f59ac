// One end of a link between two controllers: asks the other end, and answers it. Both ends are alike.
import type { PeerMessage } from '#api/wire/relay.ts';
import { MAX_MESSAGE_BYTES } from '#api/wire/limits.ts';
import { err, ok, type Result } from '#lib/result.ts';

/** Asks of one end at once. */
const MAX_ASKS = 64;
/** A reply must fit into a message. */
const MAX_BODY = MAX_MESSAGE_BYTES - 64 * 1_024;

/** Takes a part of a result. A promise: the sender waits. */
export type TakePart = (proxy: string, data: Buffer) => void | Promise<void>;

/** A request to the other end. */
export interface PeerAsk {
  readonly operation: string;
  readonly body: object;
  /** The longest wait for the reply, milliseconds. */
  readonly deadlineMs: number;
  readonly part: TakePart;
  readonly signal: AbortSignal;
}

/** Answers a request of the other end. May reject. */
export type Answer = (
  operation: string,
  body: unknown,
  context: { readonly part: TakePart; readonly signal: AbortSignal },
) => Promise<object>;

interface Asked {
  readonly part: TakePart;
  readonly end: (reply: Result<unknown>) => void;
}

export class LinkEnd {
  readonly #send: (message: PeerMessage) => Promise<void>;
  readonly #answer: Answer;
  readonly #asked = new Map<number, Asked>();
  readonly #running = new Map<number, AbortController>();
  #nextId = 1;
  #open = true;

  constructor(send: (message: PeerMessage) => Promise<void>, answer: Answer) {
    this.#send = send;
    this.#answer = answer;
  }

  /** Asks the other end. Never rejects. */
  async ask({ operation, body, deadlineMs, part, signal }: PeerAsk): Promise<Result<unknown>> {
    if (!this.#open) return err('the link is closed');
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<Result<unknown>>();
    const late = setTimeout(() => resolve(err('no answer in time')), deadlineMs);
    late.unref();
    const cancel = (): void => void this.#send({ id, message: 'cancel', cancel: {} });
    signal.addEventListener('abort', cancel);
    this.#asked.set(id, { part, end: resolve });
    void this.#send({ id, message: 'ask', ask: { operation, body: Buffer.from(JSON.stringify(body)) } });
    if (signal.aborted) cancel();
    const reply = await promise;
    clearTimeout(late);
    signal.removeEventListener('abort', cancel);
    this.#asked.delete(id);
    return reply;
  }

  /** Takes a message of the other end. A promise: read no more until it resolves. */
  receive(message: PeerMessage): void | Promise<void> {
    switch (message.message) {
      case 'ask':
        return void this.#run(message.id, message.ask.operation, message.ask.body);
      case 'part':
        return this.#asked.get(message.id)?.part(message.part.proxy, message.part.data);
      case 'reply':
        return this.#replied(message.id, message.reply.body, message.reply.error);
      case 'cancel':
        return this.#running.get(message.id)?.abort();
      case undefined:
        return;
    }
  }

  /** The link has ended. */
  close(): void {
    this.#open = false;
    for (const { end } of this.#asked.values()) end(err('the link ended before the answer'));
    for (const running of this.#running.values()) running.abort();
  }

  #replied(id: number, body: Buffer, error: string): void {
    this.#asked.get(id)?.end(error === '' ? parsed(body) : err(error));
  }

  async #run(id: number, operation: string, body: Buffer): Promise<void> {
    const running = new AbortController();
    const input = this.#running.size < MAX_ASKS ? parsed(body) : err('too many requests at once');
    this.#running.set(id, running);
    const part: TakePart = (proxy, data) => this.#send({ id, message: 'part', part: { proxy, data } });
    const answered = input.ok ? await this.#tried(() => this.#answer(operation, input.value, { part, signal: running.signal })) : input;
    this.#running.delete(id);
    if (!this.#open) return;
    const reply = answered.ok ? { body: answered.value, error: '' } : { body: Buffer.alloc(0), error: answered.error };
    void this.#send({ id, message: 'reply', reply });
  }

  async #tried(answer: () => Promise<object>): Promise<Result<Buffer>> {
    try {
      const body = Buffer.from(JSON.stringify(await answer()));
      return body.length > MAX_BODY ? err(`the answer has ${body.length} bytes, which is too large for a message`) : ok(body);
    } catch (error) {
      return err(error instanceof Error ? error.message : String(error));
    }
  }
}

function parsed(body: Buffer): Result<unknown> {
  try {
    return ok(JSON.parse(body.toString()));
  } catch {
    return err('is not JSON');
  }
}
