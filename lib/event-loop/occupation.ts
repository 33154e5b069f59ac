// Notes which coarse pieces of work of this thread kept its event loop, and for how long. A thread has one event loop, so the notes belong to the
// module. Work of single requests is not noted.

/** The pieces of work that may take long. */
export const OPERATIONS = ['configuration', 'compile', 'files', 'report'] as const;
export type Operation = (typeof OPERATIONS)[number];

export interface Occupation {
  readonly operation: Operation;
  readonly ms: number;
}

let longest: Occupation | null = null;

/** Runs work, up to its first wait if it is asynchronous. */
export function occupying<T>(operation: Operation, work: () => T): T {
  const began = performance.now();
  try {
    return work();
  } finally {
    const ms = performance.now() - began;
    if (longest === null || ms > longest.ms) longest = { operation, ms };
  }
}

/** The longest piece of work since the last call; null: none was noted. */
export function takeLongest(): Occupation | null {
  const taken = longest;
  longest = null;
  return taken;
}
