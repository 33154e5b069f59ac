// Looks at the processor time of a thread, for calls that do not end by themselves: a busy machine takes nothing from a plugin.
import type { Worker } from 'node:worker_threads';

export class ProcessorWatch {
  /** The run that the last look found, and the processor time of the thread at the first look at it, milliseconds. */
  #run = 0;
  #used = 0;

  /** Whether a run has used more than `limit` milliseconds since the first look at it. */
  async exceeds(thread: Worker, run: number, limit: number): Promise<boolean> {
    const used = await processorTimeOf(thread);
    if (this.#run === run) return used - this.#used > limit;
    [this.#run, this.#used] = [run, used];
    return false;
  }
}

/** Milliseconds; 0 if the thread has ended. */
async function processorTimeOf(thread: Worker): Promise<number> {
  try {
    const { user, system } = await thread.cpuUsage();
    return (user + system) / 1_000;
  } catch {
    return 0;
  }
}
