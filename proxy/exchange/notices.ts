// What the workers of a proxy and their supervisor tell each other, so that they act as one proxy.

/** The topics, with the values of their notices. A notice has a key; a later one with the same key replaces it. */
export interface Notices {
  /** An operator takes an endpoint out of use, or into use whatever its health. Key: `endpointKey`. */
  readonly override: 'out' | 'in';
}

export type Topic = keyof Notices;

/** One notice. Value null: it does not hold any more. */
export type Notice = {
  readonly [T in Topic]: { readonly topic: T; readonly key: string; readonly value: Notices[T] | null };
}[Topic];

/** Gets the notices of others about one topic. `from`: the worker, or '' for the supervisor. */
export type NoticeListener<T extends Topic> = (key: string, value: Notices[T] | null, from: string) => void;

/** The way to all other workers of the proxy and their supervisor; the same interface in each of them. */
export interface Broadcast {
  /** Tells all others. */
  publish<T extends Topic>(topic: T, key: string, value: Notices[T] | null): void;
  /** Gets what others publish. */
  subscribe<T extends Topic>(topic: T, listener: NoticeListener<T>): void;
}

/** Hands the notices of others to the listeners of this process. */
export class NoticeListeners {
  readonly #byTopic = new Map<Topic, NoticeListener<Topic>[]>();

  add<T extends Topic>(topic: T, listener: NoticeListener<T>): void {
    const known = this.#byTopic.get(topic) ?? [];
    this.#byTopic.set(topic, [...known, listener as NoticeListener<Topic>]);
  }

  tell({ topic, key, value }: Notice, from: string): void {
    for (const listener of this.#byTopic.get(topic) ?? []) listener(key, value, from);
  }
}

/** An endpoint as a key of notices. */
export function endpointKey(address: string, port: number): string {
  return `${address}|${port}`;
}
