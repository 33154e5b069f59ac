// Flow control of received bytes (RFC 9113 section 5.2): the octets that a peer may send, and when to allow more.

export class ReceiveWindow {
  readonly #size: number;
  #left: number;
  /** Octets that were passed on or dropped, and not announced again yet. */
  #free = 0;

  constructor(size: number) {
    this.#size = size;
    this.#left = size;
  }

  /** The peer may not send. */
  get shut(): boolean {
    return this.#left <= 0;
  }

  /** Counts received octets. False: more than the window allowed. */
  take(octets: number): boolean {
    this.#left -= octets;
    return this.#left >= 0;
  }

  /** Counts octets that are not buffered any more. Returns the increment to announce, 0 while it is not worth a frame. */
  give(octets: number): number {
    this.#free += octets;
    if (this.#free * 2 < this.#size) return 0;
    const increment = this.#free;
    this.#free = 0;
    this.#left += increment;
    return increment;
  }
}
