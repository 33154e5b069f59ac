// Inspections of a whole process, the same in workers and the supervisor.
import type { Inspected, Inspecting, ProcessInspection } from './inspection.ts';
import { takeCpuProfile } from './cpu-profile.ts';
import { takeHeapSnapshot } from './heap-snapshot.ts';

/** Runs an inspection of this process to its end. Rejects if it fails. */
export function inspectProcess(inspection: ProcessInspection, inspecting: Inspecting): Promise<Inspected> {
  return inspection.kind === 'cpuProfile' ? takeCpuProfile(inspection.durationMs, inspecting) : takeHeapSnapshot(inspecting);
}
