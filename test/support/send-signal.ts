// Signals to processes that a test has looked up.

/** Sends a signal to one process. Throws where it was not found: process 0 would be everything that runs the tests. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined || pid <= 1) throw new Error(`${signal} is for a process that is not there`);
  process.kill(pid, signal);
}
