// Waiting for what has no event of its own.

/** A third of what a test may take: what did not come is told by name, before jest ends the test without one. */
const DEADLINE_MS = 30_000;

/** Resolves when the condition holds; rejects with `what` after the deadline. Looks once per turn of the event loop, then every few ms. */
export async function until(condition: () => boolean, what = String(condition), deadlineMs = DEADLINE_MS): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    const waited = performance.now() - started;
    if (waited > deadlineMs) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`);
    await new Promise<void>((resolve) => (waited < 20 ? setImmediate(resolve) : setTimeout(resolve, 5)));
  }
}
