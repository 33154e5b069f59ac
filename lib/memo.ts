// What was found for a text, kept for the texts met lately, in bounded memory. It has two generations: a text that is met again moves to the newer
// one, and the older one is forgotten once the newer one is full. So the texts in use stay, and no list is kept in order.

interface Bounds {
  /** The texts of one generation. */
  readonly entries: number;
  /** Their characters together, at least those of one text. */
  readonly characters: number;
}

export class Memo<V> {
  readonly #bounds: Bounds;
  #current = new Map<string, V>();
  #former = new Map<string, V>();
  #characters = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** A lookup compares characters only with a text of the same hash, which has a seed of this process: its time tells nothing about other texts. */
  get(text: string): V | undefined {
    const value = this.#current.get(text);
    if (value !== undefined) return value;
    const former = this.#former.get(text);
    if (former !== undefined) this.set(text, former);
    return former;
  }

  set(text: string, value: V): void {
    const { entries, characters } = this.#bounds;
    if (this.#current.size >= entries || this.#characters + text.length > characters) this.#turn();
    this.#characters += text.length;
    this.#current.set(ownText(text), value);
  }

  delete(text: string): void {
    this.#current.delete(text);
    this.#former.delete(text);
  }

  clear(): void {
    this.#current.clear();
    this.#former.clear();
    this.#characters = 0;
  }

  /** The texts in memory; one in both generations counts twice. */
  get size(): number {
    return this.#current.size + this.#former.size;
  }

  #turn(): void {
    this.#former = this.#current;
    this.#current = new Map();
    this.#characters = 0;
  }
}

/** A text that is a part of a larger one, as values of headers are, would keep all of it in memory. */
function ownText(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
