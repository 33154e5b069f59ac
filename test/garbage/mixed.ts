// Lives of every kind, mixed, many at once.
import type { Life } from './lives.ts';
import { LIVES } from './lives.ts';
import type { Rig } from './rig.ts';

const AT_ONCE = 40;
/** Resets by backends hit whoever else is there, who then waits for an end that does not come. */
const ALL: readonly Life[] = Object.values(LIVES)
  .flat()
  .filter(({ ends }) => ends !== 'backend-resets');
/** Coprime to the number of kinds or not, the walk below meets all of them: neighbours differ from round to round. */
const STRIDE = 7;

/** Lives so many lives; resolves when their connections are gone. */
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
