// The draw among the backends of a rule.

/** A share of something. */
export interface Weighted {
  readonly weight: number;
}

/**
 * Draws by weight; null when there is nothing to draw. Uniform and independent each time, so that several workers do not march
 * in step.
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
