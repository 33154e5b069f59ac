// How far a peer is behind with a body that it sends or takes, in milliseconds: grows with the time in which it was to act,
// shrinks with each byte by the time that the byte may take at the least rate, and is never less than nothing. A peer that is
// silent and one that trickles come to the same limit.

export class Lag {
  readonly #perByte: number;
  #behind = 0;
  /** Up to when time was counted. */
  #since = 0;
  #running = false;

  /** `rate`: bytes per second; 0: any byte makes up for all the time before it. */
  constructor(rate: number) {
    this.#perByte = rate > 0 ? 1_000 / rate : Infinity;
  }

  get running(): boolean {
    return this.#running;
  }

  /** A body begins, and it is the peer's turn. Times are those of performance.now(). */
  begin(now: number): void {
    this.#behind = 0;
    this.resume(now);
  }

  /** It is the peer's turn. */
  resume(now: number): void {
    this.#since = now;
    this.#running = true;
  }

  /** It is not the peer's turn any more. */
  pause(now: number): void {
    this.#behind = this.at(now);
    this.#running = false;
  }

  /** The peer moved so many bytes, one at least, since the last call. `patient`: any byte makes up for all the time before it. */
  moved(octets: number, now: number, patient: boolean): void {
    const behind = patient ? 0 : this.#behind + now - this.#since - octets * this.#perByte;
    this.#behind = behind > 0 ? behind : 0;
    this.#since = now;
  }

  /** How far the peer is behind. */
  at(now: number): number {
    return this.#running ? this.#behind + now - this.#since : this.#behind;
  }
}
