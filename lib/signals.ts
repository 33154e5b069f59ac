// Signals that end a process in good order, or at once.

/**
 * Resolves with the first SIGINT or SIGTERM. Whoever asks twice does not want to wait: a second one ends the process as if
 * nobody listened, which not even a thread that is stuck in a write can hold up.
 */
export function firstSignal(): Promise<NodeJS.Signals> {
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>();
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (asked) endAtOnce(signal);
      asked = true;
      resolve(signal);
    });
  }
  return promise;
}

/** The kernel ends the process: no handler runs, nothing is waited for. */
export function endAtOnce(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
