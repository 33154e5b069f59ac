// Waiting for what has no event of its own.

/** Resolves when the condition holds; rejects with `what` after the deadline. Looks once per turn of the event loop, then every few ms. */
export async function until(condition: () => boolean, what = 'the condition', deadlineMs = 10_000): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    const waited = performance.now() - started;
    if (waited > deadlineMs) throw new Error(`${what} did not come to hold within ${deadlineMs} ms`);
    await new Promise<void>((resolve) => (waited < 20 ? setImmediate(resolve) : setTimeout(resolve, 5)));
  }
}
