// A gateway whose objects `weir migrate` reads.
import type { InputObject } from './input.ts';
import type { Plan } from './plan.ts';

/** One source: which objects are its own, and what becomes of them. */
export interface Source {
  /** As --from has it. */
  readonly name: string;
  owns(object: InputObject): boolean;
  /** Takes all objects of the source at once: some change what others become. */
  convert(objects: readonly InputObject[], plan: Plan): void;
}
