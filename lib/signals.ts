// Signals: those that stop a process in order or at once, and those that are ignored.

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

/** Calls back on SIGHUP, which tools send after they rotate log files, and a closing terminal sends. It no longer ends the process. */
export function onHangup(listener: () => void): void {
  process.on('SIGHUP', listener);
}

/** From now on SIGUSR1, on which Node.js would open its debugger, and SIGUSR2, which would end the process, have no effect. */
export function ignoreUserSignals(): void {
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => undefined);
}
