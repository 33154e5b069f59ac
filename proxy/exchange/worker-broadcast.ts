// The broadcast as a worker has it: everything passes through the supervisor.
import { NoticeListeners } from './notices.ts';
import type { Broadcast, Notice, NoticeListener, Notices, Topic } from './notices.ts';

export class WorkerBroadcast implements Broadcast {
  readonly #send: (notice: Notice) => void;
  readonly #listeners = new NoticeListeners();

  /** `send` takes a notice to the supervisor. */
  constructor(send: (notice: Notice) => void) {
    this.#send = send;
  }

  publish<T extends Topic>(topic: T, key: string, value: Notices[T] | null): void {
    this.#send({ topic, key, value } as Notice);
  }

  subscribe<T extends Topic>(topic: T, listener: NoticeListener<T>): void {
    this.#listeners.add(topic, listener);
  }

  /** A notice of another worker or of the supervisor. */
  receive(notice: Notice): void {
    this.#listeners.tell(notice, '');
  }
}
