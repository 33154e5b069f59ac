// The signals of overload of a worker, by its limits.
import type { Limits } from '../exchange/limits.ts';
import { CpuUse } from './cpu-use.ts';
import { LoopDelay } from './loop-delay.ts';
import { MemoryUse } from './memory-use.ts';
import type { Signal } from './signal.ts';

/** A limit of 0 turns its signal off. */
export function overloadSignals({ shedLoopDelay, shedMemoryPercent, shedCpuPercent }: Limits): readonly Signal[] {
  return [
    ...(shedLoopDelay > 0 ? [new LoopDelay(shedLoopDelay)] : []),
    ...(shedMemoryPercent > 0 ? [new MemoryUse(shedMemoryPercent)] : []),
    ...(shedCpuPercent > 0 ? [new CpuUse(shedCpuPercent)] : []),
  ];
}
