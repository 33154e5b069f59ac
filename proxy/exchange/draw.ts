// The random choice among the backends of a rule.

/** An item with a weight. */
export interface Weighted {
  readonly weight: number;
}

/**
 * Chooses by weight; null if there is nothing to choose. Choices are independent and uniform, so that workers do not choose in the same
 * order.
 */
export function draw<B extends Weighted>(backends: readonly B[], totalWeight: number): B | null {
  if (totalWeight === 0) return null;
  if (backends.length === 1) return backends[0] as B;
  let ticket = Math.random() * totalWeight;
  for (const backend of backends) {
    ticket -= backend.weight;
    if (ticket < 0) return backend;
  }
  return backends[backends.length - 1] as B;
}
