// All areas of the admin API with their real parts, and with what the examples of their operations name.
import { areasOf } from '../../admin/api/areas.ts';
import type { Area } from '../../admin/api/operation.ts';

export interface TestAreas {
  readonly areas: readonly Area[];
  /** By area: makes what its examples name, anew before each operation. An area without state has none. */
  readonly prepare: Readonly<Record<string, () => Promise<void>>>;
  stop(): Promise<void>;
}

/** Makes them. */
export function makeTestAreas(): TestAreas {
  return { areas: areasOf({ health: { troubles: () => ({}) } }), prepare: {}, stop: () => Promise.resolve() };
}
