// The commands of operators that look into the workers of this proxy.
import { parseFilter } from '#api/access-log/filter.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Inspected, ProcessInspection } from './inspection/inspection.ts';
import { inspectProcess } from './inspection/process.ts';
import type { CommandTable, Running } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** The supervisor, as these commands see it. */
type Inspectable = Pick<Supervisor, 'workers' | 'inspect'>;

/** The commands for the workers of a supervisor. */
export function inspectionCommands(supervisor: Inspectable): CommandTable {
  const files = new ProcessFiles(supervisor);
  return {
    cpuProfile: ({ cpuProfile: { durationMs, worker } }, running) => files.take({ kind: 'cpuProfile', durationMs }, worker, running),
    heapSnapshot: ({ heapSnapshot: { worker } }, running) => files.take({ kind: 'heapSnapshot' }, worker, running),
    tail: async ({ tail: { filter: text, durationMs, rate, worker } }, { chunk, signal }) => {
      const filter = parseFilter(text);
      if (!filter.ok) return err(`filter: ${filter.error}`);
      const number = worker === '' ? ok(null) : workerNumber(worker, supervisor.workers);
      if (!number.ok) return number;
      // Workers share the rate.
      const share = number.value === null ? Math.ceil(rate / supervisor.workers) : rate;
      const inspecting = { part: chunk, signal: AbortSignal.any([signal, AbortSignal.timeout(durationMs)]) };
      return noted(await supervisor.inspect({ kind: 'tail', filter: filter.value, rate: share }, number.value, inspecting));
    },
  };
}

/** Takes files about the processes of a proxy, one at a time. */
class ProcessFiles {
  readonly #supervisor: Inspectable;
  #isTaking = false;

  constructor(supervisor: Inspectable) {
    this.#supervisor = supervisor;
  }

  async take(inspection: ProcessInspection, worker: string, { chunk, signal }: Running): Promise<Result<string>> {
    const number = worker === 'supervisor' ? ok(null) : workerNumber(worker === '' ? '0' : worker, this.#supervisor.workers);
    if (!number.ok) return err(`${number.error}, and supervisor`);
    if (this.#isTaking) return err('this proxy takes a profile or a heap snapshot already; repeat the command later');
    this.#isTaking = true;
    const inspecting = { part: chunk, signal };
    try {
      if (number.value === null) return noted(await inspectProcess(inspection, inspecting));
      return noted(await this.#supervisor.inspect(inspection, number.value, inspecting));
    } finally {
      this.#isTaking = false;
    }
  }
}

function workerNumber(text: string, workers: number): Result<number> {
  const number = /^[0-9]{1,4}$/.test(text) ? Number(text) : NaN;
  return number < workers ? ok(number) : err(`worker: ${JSON.stringify(text)} is no worker; this proxy has 0 to ${workers - 1}`);
}

/** Says what is missing in the result. */
function noted(inspected: Inspected): Result<string> {
  if (!inspected.ok) return inspected;
  const { dropped } = inspected.value;
  return ok(dropped === 0 ? '' : `${dropped} more lines were above the rate, or the reader was too slow`);
}
