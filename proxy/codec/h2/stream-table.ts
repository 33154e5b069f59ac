// The streams of a connection: open streams, streams that wait for their turn, and recently reset ones.
import type { H2Stream } from './stream.ts';

/** The number of recently reset streams to keep: frames that their peers sent before they knew are ignored (RFC 9113 section 5.1). */
const MAX_RESET_KNOWN = 256;

export class StreamTable<S extends H2Stream> {
  readonly #open = new Map<number, S>();
  /** In the order of their turns. */
  readonly #blocked = new Set<S>();
  readonly #resets = new Set<number>();

  get size(): number {
    return this.#open.size;
  }

  get(id: number): S | undefined {
    return this.#open.get(id);
  }

  add(stream: S): void {
    this.#open.set(stream.id, stream);
  }

  /** False if it was absent. */
  delete(stream: S): boolean {
    this.#blocked.delete(stream);
    return this.#open.delete(stream.id);
  }

  /** A copy of the open streams, which may change during the iteration. */
  snapshot(): readonly S[] {
    return [...this.#open.values()];
  }

  /** A stream waits for a window or for the socket. False: it waited already. */
  block(stream: S): boolean {
    if (this.#blocked.has(stream)) return false;
    this.#blocked.add(stream);
    return true;
  }

  isBlocked(stream: S): boolean {
    return this.#blocked.has(stream);
  }

  /** Lets waiting streams take turns, a frame each, until `stopped` returns true. */
  takeTurns(stopped: (stream: S) => 'all' | 'this' | 'no'): void {
    for (const stream of this.#blocked) {
      const stop = stopped(stream);
      if (stop === 'all') return;
      if (stop === 'this') continue;
      this.#blocked.delete(stream);
      if (!stream.pump()) this.#blocked.add(stream);
    }
  }

  rememberReset(id: number): void {
    this.#resets.add(id);
    if (this.#resets.size <= MAX_RESET_KNOWN) return;
    for (const oldest of this.#resets) {
      this.#resets.delete(oldest);
      return;
    }
  }

  wasReset(id: number): boolean {
    return this.#resets.has(id);
  }
}
