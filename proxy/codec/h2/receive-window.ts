// Flow control of what comes in (RFC 9113 section 5.2): what a peer may still send, and when it is told that it may send more.

export class ReceiveWindow {
  readonly #size: number;
  #left: number;
  /** Octets that were passed on or dropped and are not announced again yet. */
  #free = 0;

  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  /** The peer may send nothing. */
  get shut(): boolean {
    return this.#left <= 0;
  }

  /** Counts octets that came. False: they are more than were allowed. */
  take(octets: number): boolean {
    this.#left -= octets;
    return this.#left >= 0;
  }

  /** Counts octets that are out of our hands. Returns the increment to announce, 0 as long as it is not worth a frame. */
  give(octets: number): number {
    this.#free += octets;
    if (this.#free * 2 < this.#size) return 0;
    const increment = this.#free;
    this.#free = 0;
    this.#left += increment;
    return increment;
  }
}
