// The answers that a processor owes for one half of an exchange, in the order of the messages, each in its time.
import type { PartName, ProcessingResponse } from './messages.ts';

/** What comes of a message: the answer of the processor, the quiet end of its work, or its failure. */
export type Reply = { readonly type: 'answer'; readonly answer: ProcessingResponse } | Ending;
export type Ending = { readonly type: 'over' } | { readonly type: 'failed'; readonly reason: string };

/** Takes what comes of a message; returns whether more answers for it follow. */
export type TakeReply = (reply: Reply) => boolean;

interface Expected {
  readonly part: PartName;
  readonly take: TakeReply;
  /** It also ends when the answer to the next question comes. */
  readonly isOpen: boolean;
}

export interface LaneTimes {
  /** Milliseconds for an answer. */
  readonly timeout: number;
  /** The longest time that the processor may ask for instead; 0: it may not. */
  readonly maxTimeout: number;
}

const MILLISECOND_NANOS = 1_000_000;

export class Lane {
  readonly #times: LaneTimes;
  readonly #fail: (reason: string) => void;
  readonly #expected: Expected[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isExtended = false;
  /** The reasons why the time does not run. */
  readonly #pauses = new Set<object>();

  constructor(times: LaneTimes, fail: (reason: string) => void) {
    this.#times = times;
    this.#fail = fail;
  }

  expect(part: PartName, take: TakeReply, isOpen: boolean): void {
    this.#expected.push({ part, take, isOpen });
    if (this.#expected.length === 1) this.#arm();
  }

  /** The time does not run for a reason: the processor waits for others, or may not send. */
  pause(reason: object, isPaused: boolean): void {
    if (this.#pauses.has(reason) === isPaused) return;
    if (isPaused) this.#pauses.add(reason);
    else this.#pauses.delete(reason);
    this.#arm();
  }

  /** Takes an answer; fails if it is not for the next question. */
  take(answer: ProcessingResponse): void {
    if (this.#expected[0]?.isOpen === true && this.#expected[1]?.part === answer.response) this.#expected.shift();
    const [first] = this.#expected;
    if (first === undefined) return this.#fail('the processor answers without a question');
    if (answer.response !== 'immediate_response' && answer.response !== first.part)
      return this.#fail('the processor answers another question than the next');
    this.#isExtended = false;
    if (!first.take({ type: 'answer', answer })) this.#expected.shift();
    this.#arm();
  }

  /** The part of the next answer; null if none is expected. */
  get next(): PartName | null {
    return this.#expected[0]?.part ?? null;
  }

  /** Whether an answer is expected. */
  get isWaiting(): boolean {
    return this.#expected.length > 0;
  }

  /** Gives the next answer more time: once, so that no processor holds a request for ever. */
  extend({ seconds, nanos }: NonNullable<ProcessingResponse['override_message_timeout']>): void {
    const milliseconds = seconds * 1_000 + nanos / MILLISECOND_NANOS;
    if (this.#isExtended || !(milliseconds >= 1) || milliseconds > this.#times.maxTimeout) return;
    this.#isExtended = true;
    this.#arm(milliseconds);
  }

  /** Nothing more comes. */
  end(ending: Ending): void {
    clearTimeout(this.#timer);
    for (const { take } of this.#expected.splice(0)) take(ending);
  }

  #arm(milliseconds = this.#times.timeout): void {
    clearTimeout(this.#timer);
    if (this.#pauses.size > 0 || this.#expected.length === 0) return;
    this.#timer = setTimeout(() => this.#fail('the processor does not answer in time'), milliseconds);
  }
}
