// An endpoint as a member of a cluster: with the properties that its backend gives it.
import { isDeepStrictEqual } from 'node:util';
import type * as ir from '#api/ir/ir.ts';
import type { Candidate } from './balancer/balancer.ts';
import type { Endpoint } from './endpoint.ts';

export interface Member extends Candidate {
  readonly endpoint: Endpoint;
  /** It finishes its work and gets nothing new while others are left. */
  readonly draining: boolean;
  /** Members of the lowest number come first. */
  readonly priority: number;
  /** '' is unknown. */
  readonly zone: string;
  /** The zones for which Kubernetes allocates it; none if it allocates no zones. */
  readonly hints: readonly string[];
  /** Metadata. */
  readonly labels: Readonly<Record<string, string>>;
}

const NO_LABELS: Member['labels'] = Object.freeze({});
const NO_HINTS: Member['hints'] = Object.freeze([]);

/** The member with the values of a resource: the known one if nothing changed. */
export function memberOf(endpoint: Endpoint, resource: Omit<ir.Endpoint, 'address' | 'port'>, known?: Member): Member {
  const { draining, weight = 1, priority = 0, zone = '', zones = NO_HINTS, labels = NO_LABELS } = resource;
  const member: Member = Object.freeze({ endpoint, weight, draining, priority, zone, hints: zones, labels });
  return known !== undefined && isDeepStrictEqual({ ...known, endpoint: null }, { ...member, endpoint: null }) ? known : member;
}
