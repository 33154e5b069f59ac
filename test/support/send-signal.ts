// Sends signals to processes that a test has looked up.

/** Sends a signal to one process. Throws without a pid: process 0 means the whole process group of the tests. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined || pid <= 1) throw new Error(`${signal} is for a process that is not there`);
  process.kill(pid, signal);
}
