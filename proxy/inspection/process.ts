// Inspections of a whole process, the same in workers and the supervisor.
import type { Inspected, Inspecting, ProcessInspection } from './inspection.ts';
import { takeCpuProfile } from '#lib/process-files/cpu-profile.ts';
import { takeHeapSnapshot } from '#lib/process-files/heap-snapshot.ts';
import { ok } from '#lib/result.ts';

/** Runs an inspection of this process to its end. Rejects if it fails. */
export async function inspectProcess(inspection: ProcessInspection, inspecting: Inspecting): Promise<Inspected> {
  const taken = inspection.kind === 'cpuProfile' ? takeCpuProfile(inspection.durationMs, inspecting) : takeHeapSnapshot(inspecting);
  const result = await taken;
  return result.ok ? ok({ dropped: 0 }) : result;
}
