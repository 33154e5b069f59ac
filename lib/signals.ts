// Signals that end a process in good order, or at once, and those that do it no harm.

/**
 * Resolves with the first SIGINT or SIGTERM. After that the default action applies again: a second signal ends the process at once, even
 * while a thread is stuck in a write.
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

/** The kernel ends the process at once: no handler runs. */
export function endAtOnce(signal: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** Calls back on SIGHUP, which comes from tools that rotate log files, and when the terminal closes. It no longer ends the process. */
export function onHangup(listener: () => void): void {
  process.on('SIGHUP', listener);
}

/** SIGUSR1, on which Node.js would open its debugger, and SIGUSR2, which would end the process, do nothing from now on. */
export function ignoreUserSignals(): void {
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined);
}
