// Values in the order in which they come, for readers that wait for the next one.

export class HeldUntil<T> {
  readonly #values: T[] = [];
  readonly #readers: ((value: T) => void)[] = [];

  add(value: T): void {
    const reader = this.#readers.shift();
    if (reader === undefined) this.#values.push(value);
    else reader(value);
  }

  next(): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift() as T);
    const { promise, resolve } = Promise.withResolvers<T>();
    this.#readers.push(resolve);
    return promise;
  }
}
