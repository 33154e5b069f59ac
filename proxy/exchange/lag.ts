// The lag of a peer with a body that it sends or receives, in milliseconds. The lag grows with the time in which the peer must
// act, and shrinks with each byte by the time for that byte at the minimum rate; it is never negative. So a silent peer and a slow one
// reach the same limit.

export class Lag {
  readonly #perByte: number;
  #behind = 0;
  /** The time up to which the lag is counted. */
  #since = 0;
  #running = false;

  /** `rate`: bytes per second; 0: any byte resets the lag. */
  constructor(rate: number) {
    this.#perByte = rate > 0 ? 1_000 / rate : Infinity;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Starts a body; the peer is to act. Times are those of performance.now(). */
  begin(now: number): void {
    this.#behind = 0;
    this.resume(now);
  }

  /** The peer must act from now on. */
  resume(now: number): void {
    this.#since = now;
    this.#running = true;
  }

  /** The peer need not act any more. */
  pause(now: number): void {
    this.#behind = this.at(now);
    this.#running = false;
  }

  /** The peer moved this many bytes (at least one) since the last call. `patient`: any byte resets the lag. */
  moved(octets: number, now: number, patient: boolean): void {
    const behind = patient ? 0 : this.#behind + now - this.#since - octets * this.#perByte;
    this.#behind = behind > 0 ? behind : 0;
    this.#since = now;
  }

  /** The lag of the peer. */
  at(now: number): number {
    return this.#running ? this.#behind + now - this.#since : this.#behind;
  }
}
