// One topic in memory: its last messages, in their order.
import type { HistoryTerms } from '../exchange/topics.ts';
import { compareIds, parseMessageId, printMessageId, type MessageId } from './message-id.ts';
import type { Reading, StoredMessage } from './topic-store.ts';

interface Entry {
  readonly id: MessageId;
  readonly message: StoredMessage;
}

export class TopicLog {
  readonly #mark: string;
  #entries: Entry[] = [];
  /** Entries before this index are gone. */
  #start = 0;
  #last: MessageId;
  /** The last message that is gone. */
  #floor: MessageId;
  /** When nothing of it is kept any more, as Date.now(). */
  expiresAt = 0;

  /** `mark`: of the memory; `now`: as Date.now(). */
  constructor(mark: string, now: number) {
    this.#mark = mark;
    this.#floor = this.#last = { ms: now, number: 0, mark };
  }

  add(data: string, now: number, { messages, age }: HistoryTerms): StoredMessage {
    const ms = Math.max(now, this.#last.ms);
    const id = (this.#last = { ms, number: ms === this.#last.ms ? this.#last.number + 1 : 0, mark: this.#mark });
    const message = { id: printMessageId(id), data };
    this.#entries.push({ id, message });
    this.expiresAt = now + age;
    this.#forget(now, { messages, age });
    return message;
  }

  read(after: string | null, now: number, history: HistoryTerms): Reading {
    const last = printMessageId(this.#last);
    if (after === null) return { last, isWhole: true, messages: [] };
    this.#forget(now, history);
    const from = parseMessageId(after);
    const isWhole = from !== null && from.mark === this.#mark && compareIds(from, this.#floor) >= 0;
    const kept = this.#entries.slice(this.#start);
    const missed = from === null ? kept : kept.filter(({ id }) => compareIds(id, from) > 0);
    return { last, isWhole, messages: missed.map(({ message }) => message) };
  }

  #forget(now: number, { messages, age }: HistoryTerms): void {
    while (this.#start < this.#entries.length) {
      const { id } = this.#entries[this.#start] as Entry;
      if (this.#entries.length - this.#start <= messages && id.ms >= now - age) break;
      this.#floor = id;
      this.#start++;
    }
    // Rarely, so that the cost of a message does not grow with the history.
    if (this.#start < this.#entries.length / 2) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }
}
