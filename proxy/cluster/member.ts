// An endpoint as a member of a cluster: with the properties that its backend gives it.
import type * as ir from '#api/ir/ir.ts';
import type { Candidate } from './balancer/balancer.ts';
import type { Endpoint } from './endpoint.ts';

export interface Member extends Candidate {
  readonly endpoint: Endpoint;
  /** It finishes its work and gets nothing new while others are left. */
  readonly draining: boolean;
}

/** The member with the values of a resource: the known one if nothing changed. */
export function memberOf(endpoint: Endpoint, { draining, weight = 1 }: ir.Endpoint, known: Member | undefined): Member {
  if (known !== undefined && known.endpoint === endpoint && known.draining === draining && known.weight === weight) return known;
  return Object.freeze({ endpoint, weight, draining });
}
