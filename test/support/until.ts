// Waits for conditions without an event.

/** A third of the time limit of a test, so that the failure names the condition before jest ends the test. */
const DEADLINE_MS = 30_000;

/** Resolves when the condition holds; rejects with `what` at the deadline. Checks once per turn of the event loop, later every few ms. */
export async function until(condition: () => boolean, what = String(condition), deadlineMs = DEADLINE_MS): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    const waited = performance.now() - started;
    if (waited > deadlineMs) throw new Error(`waited ${deadlineMs} ms in vain for: ${what}`);
    await new Promise<void>((resolve) => (waited < 20 ? setImmediate(resolve) : setTimeout(resolve, 5)));
  }
}
