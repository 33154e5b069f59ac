// A hundred thousand failing connections, in every phase of every protocol, and the resources that they leave.
import { memoryInUse } from '../support/memory.ts';
import { liveMixed } from '../garbage/mixed.ts';
import { Rig } from '../garbage/rig.ts';
import type { Finding, SoakScenario } from './scenario.ts';

const COUNT = 100_000;
const WARM_UP = 5_000;
/** The memory limit: ten bytes for each connection. */
const GROWTH_MIB = 1;
const MIB = 1_048_576;

export const garbage: SoakScenario = {
  name: 'garbage',
  about: `${COUNT} connections of garbage, truncation and resets leave nothing`,
  async run(): Promise<readonly Finding[]> {
    const rig = await Rig.start(false);
    try {
      await liveMixed(rig, WARM_UP);
      const before = memoryInUse();
      const begun = performance.now();
      await liveMixed(rig, COUNT);
      const seconds = (performance.now() - begun) / 1_000;
      const after = memoryInUse();
      return [
        { name: 'time', value: seconds, unit: 's', limit: null },
        { name: 'heap left', value: (after.heap - before.heap) / MIB, unit: 'MiB', limit: GROWTH_MIB },
        { name: 'buffers left', value: (after.buffers - before.buffers) / MIB, unit: 'MiB', limit: GROWTH_MIB },
        { name: 'timers left', value: rig.proxy.worker.timers, unit: '', limit: 0 },
      ];
    } finally {
      await rig.close();
    }
  },
};
