// The commands of operators that look into the workers of this proxy.
import { parseFilter } from '#api/access-log/filter.ts';
import { err, ok, type Result } from '#lib/result.ts';
import type { Inspected } from './inspection/inspection.ts';
import type { CommandTable } from './reporting/commands.ts';
import type { Supervisor } from './supervisor/supervisor.ts';

/** The supervisor, as these commands see it. */
type Inspectable = Pick<Supervisor, 'workers' | 'inspect'>;

/** The commands for the workers of a supervisor. */
export function inspectionCommands(supervisor: Inspectable): CommandTable {
  return {
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
