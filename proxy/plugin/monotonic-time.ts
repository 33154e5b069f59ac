// A clock that all threads of a process share.

/** Milliseconds since any moment, never 0. */
export function monotonicTime(): number {
  return Number((process.hrtime.bigint() / 1_000_000n) % 2_000_000_000n) + 1;
}
