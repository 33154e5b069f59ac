// What a limit counts for one key, with any algorithm. A cost is a whole number of units; a request usually costs one.

export interface Meter {
  /** Takes the cost and returns true. If too little is left, takes nothing. */
  take(cost: number): boolean;
  /** Takes the cost even if too little is left: for costs that are known after the answer. */
  charge(cost: number): void;
  /** Counts what was taken elsewhere and still counts, at moments that are not known any more. */
  learn(count: number): void;
  /** Gives back units that were taken and not used. */
  giveBack(count: number): void;
  /** The whole units that are left now; 0 while there is a debt. */
  left(): number;
  /** Milliseconds until everything is left again if nothing more is taken; 0 if it is. UNKNOWN if no clock decides. */
  resetMs(): number;
  /** Milliseconds until this cost is left; 0 if it is. UNKNOWN if no clock decides. */
  waitMs(cost: number): number;
}

/** No clock decides: units come back when requests end. */
export const UNKNOWN = -1;

/** The clocks of meters, milliseconds. Tests supply their own. */
export interface MeterClocks {
  /** Never goes back, and has no date. */
  readonly steady: () => number;
  /** As Date.now(). It may be set back. */
  readonly wall: () => number;
}

/** Takes as many of the wanted units as are left, and returns their number. */
export function takeUpTo(meter: Meter, wanted: number): number {
  const count = Math.min(wanted, meter.left());
  return count > 0 && meter.take(count) ? count : 0;
}
