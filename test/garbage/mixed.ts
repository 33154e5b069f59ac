// Connections of every kind, mixed and concurrent.
import type { Life } from './lives.ts';
import { LIVES } from './lives.ts';
import type { Rig } from './rig.ts';

const AT_ONCE = 40;
/** Resets of backends also hit connections of others, which then wait for an end that does not come. */
const ALL: readonly Life[] = Object.values(LIVES)
  .flat()
  .filter(({ ends }) => ends !== 'backend-resets');
/** The walk below visits all kinds, whether the step is coprime to their number or not: neighbours differ between rounds. */
const STRIDE = 7;

/** Runs this number of connections; resolves when all are closed. */
export async function liveMixed(rig: Rig, count: number): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      const turn = next++;
      const round = Math.floor(turn / ALL.length);
      await rig.live(ALL[(turn + round * STRIDE) % ALL.length] as Life);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  await rig.clean();
}
